"""What holds for unit tests and contracts of fakes: they open no socket, and their tables are quick."""

import pytest

from local.emulator import moto_backends, moto_tables, moto_transactions


@pytest.fixture(autouse=True)
def no_sockets(socket_disabled: None) -> None:
    """The plugin opens them again after each test."""


@pytest.fixture(autouse=True, scope="session")
def quick_tables() -> None:
    """DynamoDB answers as on the laptop: as moto does, but without looking through what nobody asked for. It answers
    one thread at a time, because moto loses updates under several.
    """
    moto_backends.lock_backends()
    moto_backends.pass_attributes_as_they_are()
    moto_backends.parse_updates_once()
    moto_transactions.remember_only_what_a_transaction_touches()
    moto_tables.query_only_what_is_asked_for()
    moto_tables.measure_items_once()
