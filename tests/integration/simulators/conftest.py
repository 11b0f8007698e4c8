"""Simulated providers over real sockets on this machine."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from local.simulators import start_simulator
from tests.integration.simulators.online import KEY, Provider


@pytest.fixture(scope="session")
def client() -> Iterator[httpx.Client]:
    """One client for all, since making one takes longer than most of these tests."""
    with httpx.Client(timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def start(tmp_path: Path, client: httpx.Client) -> Iterator[Callable[..., Provider]]:
    """Starts simulated providers; they are stopped after the test."""
    started: list[Provider] = []

    def start(name: str, latency_s: float = 0.0) -> Provider:
        log_path = tmp_path / "logs" / f"simulator-{name}.jsonl"
        provider = Provider(start_simulator(name, key=KEY, latency_s=latency_s, log_path=log_path), log_path, client)
        started.append(provider)
        return provider

    yield start
    for provider in started:
        provider.running.stop()


@pytest.fixture
def minimax(start: Callable[..., Provider]) -> Provider:
    return start("minimax")


@pytest.fixture
def aimlapi(start: Callable[..., Provider]) -> Provider:
    return start("aimlapi")


@pytest.fixture(autouse=True)
def _nothing_on_stderr(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Whatever a client does, a simulator prints nothing."""
    yield
    assert capfd.readouterr().err == ""
