"""Notifications of a job's end: their messages, signatures and deliveries."""
