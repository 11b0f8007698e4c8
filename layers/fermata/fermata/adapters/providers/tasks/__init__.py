"""What the dialects of providers with tasks share."""
