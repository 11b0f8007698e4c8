"""HTTP to providers, to foreign links and to webhooks."""
