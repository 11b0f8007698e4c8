"""Steps from the result to the end: resume, storage, settlement, and rescue of undelivered songs."""
