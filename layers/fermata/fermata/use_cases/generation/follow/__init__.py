"""From the paid request to its result: polls, callbacks and answers."""
