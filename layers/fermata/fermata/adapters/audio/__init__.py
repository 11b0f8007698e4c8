"""Measures audio files: one module per container, each reading headers through a window, never a whole file."""
