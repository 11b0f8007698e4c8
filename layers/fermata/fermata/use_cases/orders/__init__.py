"""Use cases of a caller: order, read, list, cancel and delete jobs."""
