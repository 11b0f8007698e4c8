"""What holds for unit tests and contracts of fakes: they open no socket, and their tables are quick."""

from threading import RLock
from typing import Any

import pytest

from local.emulator import moto_backends, moto_tables, moto_transactions


@pytest.fixture(autouse=True)
def no_sockets(socket_disabled: None) -> None:
    """The plugin opens them again after each test."""


@pytest.fixture(autouse=True, scope="session")
def quick_tables() -> None:
    """DynamoDB answers as on the laptop: as moto does, but without looking through what nobody asked for."""
    moto_backends.pass_attributes_as_they_are()
    moto_backends.parse_updates_once()
    moto_transactions.remember_only_what_a_transaction_touches()
    moto_tables.query_only_what_is_asked_for()
    moto_tables.measure_items_once()


@pytest.fixture
def one_call_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one thread at a time into moto's DynamoDB, which loses updates under several."""
    from moto.dynamodb.responses import DynamoHandler

    original, lock = DynamoHandler.call_action, RLock()

    def call_action(handler: DynamoHandler) -> Any:  # noqa: ANN401 - moto's own answer
        with lock:
            return original(handler)

    monkeypatch.setattr(DynamoHandler, "call_action", call_action)
