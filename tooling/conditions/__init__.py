"""Removes what only a store guards, one promise at a time, and looks whether a test of the stores notices.

A promise is a conjunct or an alternative of a condition, or a clause of an update. Python's own checks before a write
cannot stand in for it where a test comes past them.
"""
