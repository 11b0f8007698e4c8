"""The figures of the code base, and the limits that hold them: `python -m tooling.house` prints them as a table."""
