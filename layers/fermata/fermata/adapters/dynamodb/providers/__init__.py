"""State of each provider that all runs share."""
