"""Wallets and ledgers, usage, and reconciliation with providers' bills."""
