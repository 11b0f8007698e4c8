"""What an operator does: tenants, keys, providers, bills and redeliveries."""
