"""Fakes of what measures finished songs."""

from collections.abc import Callable
from pathlib import Path
from typing import IO

from fermata.domain.audio.sound import PEAKS_SUFFIX, PEAKS_TYPE, Unmeasured
from fermata.errors import FermataError
from fermata.ports.sound import Sound
from tests.fakes.audio.track_store import InMemoryTrackStore


class InMemorySoundFiles:
    """The files of a track store. `before_next_put` runs once, before a waveform is stored; `fail_next_put` is raised
    once, after one was stored: the loss of the answer.
    """

    def __init__(self, tracks: InMemoryTrackStore) -> None:
        self.tracks = tracks
        self.before_next_put: Callable[[], object] | None = None
        self.fail_next_put: FermataError | None = None

    def fetch(self, object_key: str, into: IO[bytes]) -> bool:
        found = self.tracks.files.get(object_key)
        if found is not None:
            into.write(found[0])
        return found is not None

    def put_peaks(self, object_key: str, peaks: bytes) -> None:
        before, self.before_next_put = self.before_next_put, None
        if before is not None:
            before()
        self.tracks.files[object_key] = (peaks, PEAKS_TYPE)
        failure, self.fail_next_put = self.fail_next_put, None
        if failure is not None:
            raise failure

    def forget_peaks(self, job_id: str) -> None:
        for key in list(self.tracks.files):
            if key.startswith(f"tracks/{job_id}/") and key.endswith(PEAKS_SUFFIX):
                del self.tracks.files[key]


class FixedSoundMeter:
    """Finds the same of every song, and notes the seconds that it was given."""

    def __init__(self, found: Sound | Unmeasured = Sound(b"{}", -14.02, -1.5)) -> None:  # noqa: B008 - frozen
        self.found = found
        self.given_s: list[float] = []

    def measure(self, path: Path, duration_ms: int, within_s: float) -> Sound | Unmeasured:
        assert path.stat().st_size > 0
        assert duration_ms > 0
        self.given_s.append(within_s)
        return self.found
