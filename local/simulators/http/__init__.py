"""The HTTP server of the simulators, and faults of its connections."""
