"""Lambda on one machine: functions' processes and the Runtime API that they call."""
