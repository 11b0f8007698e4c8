"""`python -m local demo`: orders one song per kind of upstream from a cloud of its own, and checks that it plays."""

from local.demo.command import main

__all__ = ["main"]
