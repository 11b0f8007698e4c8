"""The HTTP server of the simulators, and its network faults."""
