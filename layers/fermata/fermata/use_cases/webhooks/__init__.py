"""Deliver, repeat and begin the notifications of jobs' ends."""
