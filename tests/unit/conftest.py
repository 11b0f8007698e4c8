"""Unit tests open no socket, not even to this machine."""

from threading import RLock
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _no_sockets(socket_disabled: None) -> None:
    """The plugin opens them again after each test."""


@pytest.fixture
def one_call_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one thread at a time into moto's DynamoDB, which loses updates under several."""
    from moto.dynamodb.responses import DynamoHandler

    original, lock = DynamoHandler.call_action, RLock()

    def call_action(handler: DynamoHandler) -> Any:  # noqa: ANN401 - moto's own answer
        with lock:
            return original(handler)

    monkeypatch.setattr(DynamoHandler, "call_action", call_action)
