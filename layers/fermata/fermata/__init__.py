"""Fermata: turns "make me a song" into a file that belongs to the caller."""

__version__ = "0.9.0"
