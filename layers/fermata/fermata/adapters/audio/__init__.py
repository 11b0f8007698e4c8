"""Measures audio files. There is one module per container; each reads through a window and never loads a whole file."""
