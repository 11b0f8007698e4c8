"""Lives of a cloud in a directory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.local.state.lives import Lives


@pytest.fixture
def lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lives]:
    lives = Lives(tmp_path, monkeypatch)
    yield lives
    lives.end()
