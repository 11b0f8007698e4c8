"""How loud songs are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fermata.domain.audio.sound import Unmeasured


@dataclass(frozen=True)
class Sound:
    """A measured song: its waveform as JSON, integrated loudness in LUFS, true peak in dBTP."""

    peaks: bytes
    loudness_lufs: float | None
    true_peak_dbtp: float | None


class SoundMeter(Protocol):
    """Decodes and measures songs, whatever their length, in bounded memory."""

    def measure(self, path: Path, duration_ms: int, within_s: float) -> Sound | Unmeasured:
        """Measure a song that lasts `duration_ms`, or say why not; gives up after about `within_s` seconds."""


class SoundFiles(Protocol):
    """The finished songs to measure, and their waveforms. Every method raises `TransientError`."""

    def fetch(self, object_key: str, into: IO[bytes]) -> bool:
        """Copy a song to an open file; False if it is gone."""

    def put_peaks(self, object_key: str, peaks: bytes) -> None:
        """Store a waveform; it may be stored again."""

    def forget_peaks(self, job_id: str) -> None:
        """Delete every waveform of a job, perhaps none."""
