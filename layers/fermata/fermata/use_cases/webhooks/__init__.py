"""Use cases of webhooks: start, deliver and replay the notification of a job's end."""
