"""Parsing of tasks that all dialects with tasks share."""
