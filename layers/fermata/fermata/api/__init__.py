"""The HTTP edge: reading requests and making answers."""
