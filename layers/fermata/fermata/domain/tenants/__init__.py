"""Tenants, their API keys, and the limits of their plans."""
