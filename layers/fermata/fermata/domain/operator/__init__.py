"""What comes of an operator's deployments."""
