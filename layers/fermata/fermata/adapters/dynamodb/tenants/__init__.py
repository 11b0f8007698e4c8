"""Tenants, keys, and counts of their calls."""
