"""Use cases of a tenant's account: authorization, rate limits, usage and credits."""
