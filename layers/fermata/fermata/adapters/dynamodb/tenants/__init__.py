"""Tenants, API keys and call counts."""
