"""Unit tests open no socket, not even to this machine."""

from tests.support.offline import no_sockets, quick_tables

__all__ = ["no_sockets", "quick_tables"]
