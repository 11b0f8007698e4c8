"""IAM of the laptop: who calls, what a call needs, and whether the policies of the template allow it."""
