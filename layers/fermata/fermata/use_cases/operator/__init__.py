"""Use cases of the operator: tenants, keys, providers, bills and redeliveries."""
