"""`python -m local demo`: one song per upstream shape, from its own cloud to files that play."""

from local.demo.command import main

__all__ = ["main"]
