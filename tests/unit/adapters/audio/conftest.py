"""What the tests of every container share."""

from pathlib import Path

import pytest

from fermata.adapters.audio.measurement import measure_audio
from fermata.ports.audio import AudioFacts
from tests.support.audio_files import Measure


@pytest.fixture
def measure(tmp_path: Path) -> Measure:
    """Measures the bytes of a file."""

    def measure_bytes(song: bytes) -> AudioFacts:
        path = tmp_path / "song"
        path.write_bytes(song)
        return measure_audio(path)

    return measure_bytes
