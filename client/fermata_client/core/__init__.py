"""What the client does, without doing it: flows of steps that a driver performs, with or without `await`."""
