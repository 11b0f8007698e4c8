"""Triggers, and the files that are being taken."""
