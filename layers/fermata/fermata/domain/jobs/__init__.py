"""A job and its attempts: every state they may have, and how they are shown."""
