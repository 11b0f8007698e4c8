"""Decodes finished songs and measures how loud they are. Needs the media layer."""
