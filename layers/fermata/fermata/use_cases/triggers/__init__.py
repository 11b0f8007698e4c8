"""Events, files and their lines become jobs."""
