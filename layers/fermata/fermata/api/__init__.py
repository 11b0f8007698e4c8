"""The HTTP edge: how answers look."""
