"""The speech routes of simulated providers."""
