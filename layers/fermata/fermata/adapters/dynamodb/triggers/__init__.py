"""Triggers, and the batches that are being submitted."""
