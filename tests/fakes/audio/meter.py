"""A fake of the meter."""

from dataclasses import replace
from pathlib import Path

from fermata.errors import (
    FermataError,
)
from fermata.ports.audio import AudioFacts


class FixedAudioMeter:
    """Finds the same facts in every file except for its size, or an error."""

    def __init__(self, failure: FermataError | None = None) -> None:
        self.failure = failure

    def measure(self, path: Path) -> AudioFacts:
        if self.failure is not None:
            raise self.failure
        return replace(AudioFacts("audio/mpeg", "mp3", 0, 25_364, 44_100, 2, 256_000), bytes=path.stat().st_size)
