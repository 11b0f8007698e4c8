"""Measures the sound in MP4 files (ISO 14496-12)."""
