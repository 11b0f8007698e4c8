"""Unit tests open no socket, not even to this machine."""

import pytest


@pytest.fixture(autouse=True)
def _no_sockets(socket_disabled: None) -> None:
    """The plugin opens them again after each test."""
