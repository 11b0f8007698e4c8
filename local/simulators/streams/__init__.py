"""Streams of songs, as providers send them."""
