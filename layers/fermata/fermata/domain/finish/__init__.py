"""Ends of jobs, and the recovery of paid songs that were not delivered."""
