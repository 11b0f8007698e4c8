"""Writes what a song is into its file, one module per container. The sound and every mark of its provider stay."""
