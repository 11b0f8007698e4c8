"""Steps from the paid request to its result: polls, callbacks and answers."""
