"""What is broken on purpose, by promise."""
