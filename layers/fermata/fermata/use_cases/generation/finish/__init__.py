"""From the result to the end: resume, storage, settlement, and rescue of what was not delivered."""
