"""Breaks the promises about money on purpose, one at a time, in a scratch copy, and looks whether a test notices."""
