"""Use cases of triggers: submit events, files and their lines as jobs."""
