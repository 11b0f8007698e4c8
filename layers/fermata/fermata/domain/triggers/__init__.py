"""Events and files that become jobs."""
