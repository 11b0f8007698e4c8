"""What all runs share of each provider."""
