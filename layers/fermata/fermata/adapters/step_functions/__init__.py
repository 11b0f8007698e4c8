"""Executions of the state machines, and the waits in them."""
