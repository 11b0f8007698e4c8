"""What holds for unit tests and contracts of fakes: they open no socket, and their tables are quick."""

import pytest

from local.emulator import moto_backends
from local.emulator.dynamodb.quick import make_quick


@pytest.fixture(autouse=True)
def no_sockets(socket_disabled: None) -> None:
    """The plugin opens them again after each test."""


@pytest.fixture(autouse=True, scope="session")
def quick_tables() -> None:
    """DynamoDB answers as on the laptop: as moto does, but without looking through what nobody asked for. It answers
    one thread at a time, because moto loses updates under several.
    """
    moto_backends.lock_backends()
    make_quick()
