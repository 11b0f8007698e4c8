"""Addresses and answers of the web: links as browsers read them, and which of them may be called."""
