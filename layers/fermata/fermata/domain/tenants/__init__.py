"""Tenants, their API keys, and how much their plans allow."""
