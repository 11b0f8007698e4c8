"""Lambda on one machine: the functions' processes and the Runtime API that they call."""
