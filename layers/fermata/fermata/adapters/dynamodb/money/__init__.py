"""Wallets, usage and purchases."""
