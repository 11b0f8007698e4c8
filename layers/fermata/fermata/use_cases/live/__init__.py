"""Lets listeners hear a song while it is made."""
