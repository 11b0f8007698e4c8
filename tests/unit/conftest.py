"""Unit tests open no socket, not even to this machine."""

from tests.support.offline import no_sockets, one_call_at_a_time, quick_tables

__all__ = ["no_sockets", "one_call_at_a_time", "quick_tables"]
