"""The simulated providers that these tests talk to."""

from collections.abc import Callable

import pytest

from tests.unit.local.simulators.offline import Provider


@pytest.fixture
def provider() -> Callable[..., Provider]:
    """Makes simulated providers by name."""
    return Provider


@pytest.fixture
def minimax() -> Provider:
    return Provider("minimax")


@pytest.fixture
def skillboss() -> Provider:
    return Provider("skillboss")


@pytest.fixture
def apiinone() -> Provider:
    return Provider("apiinone")


@pytest.fixture
def aimlapi() -> Provider:
    return Provider("aimlapi")
