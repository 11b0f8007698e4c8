"""Providers' answers, the files behind their links, and files that belong to callers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from fermata.domain.jobs.songs import Track
from fermata.ports.providers import StreamedAnswer


class AnswerStore(Protocol):
    """The providers' raw answers, kept before anybody reads them, and beside them whatever else was received for an
    attempt: `cut` is the part that arrived of an answer, `body.<n>` an answer to a poll and `file.<n>` the file of a
    song that could not be used, or that was fetched later. All of it is kept 30 days.
    """

    def keep(self, job_id: str, attempt: int, answer: StreamedAnswer) -> None:
        """Stream an answer into the store. Once this returns the answer is durable; of one that is cut, what arrived is
        kept as `cut`, and its `AnswerLostError` passes through.
        """

    def open(self, job_id: str, attempt: int) -> StreamedAnswer | None:
        """A complete kept answer, or None."""

    def keep_file(self, job_id: str, attempt: int, name: str, file: IO[bytes]) -> None:
        """Keep what can be read of a file, over what was kept under this name before; raises `TransientError`."""

    def open_file(self, job_id: str, attempt: int, name: str) -> Iterator[bytes] | None:
        """What was kept under this name, or None; raises `TransientError`, also while it is read."""

    def forget(self, job_id: str) -> None:
        """Delete every answer of a job, and what is left of answers that were cut; raises `TransientError`."""


class AudioLinks(Protocol):
    """Providers' links to songs; every address is checked before a connection is made."""

    def fetch(self, provider: str, url: str) -> Iterator[bytes]:
        """The file's bytes. Raises `LinkTroubleError` (for now, after the bytes that came), `UnsafeLinkError`, or
        `AudioTooLargeError`.
        """


class ReferenceLinks(Protocol):
    """Callers' links to recordings; every address is checked before a connection is made."""

    def fetch(self, url: str) -> Iterator[bytes]:
        """The file's bytes. Raises `LinkExpiredError`, `UnsafeLinkError`, `BadAudioError` (far too large) or
        `TransientError`.
        """


@dataclass(frozen=True)
class AudioFacts:
    """What a file really is, measured: ms, Hz, bits per second, bytes."""

    content_type: str
    extension: str
    bytes: int
    duration_ms: int
    sample_rate_hz: int
    channels: int
    bitrate_bps: int


class AudioMeter(Protocol):
    """Measures audio files."""

    def measure(self, path: Path) -> AudioFacts:
        """The facts of a file; raises `BadAudioError` where it is no audio."""


class TrackStore(Protocol):
    """The finished songs."""

    def put(self, object_key: str, path: Path, content_type: str) -> None:
        """Store a file under its key; the same file may be stored again."""

    def forget(self, job_id: str) -> None:
        """Delete every song of a job; raises `TransientError`."""

    def link(self, track: Track, disposition: str, ttl_s: int) -> str:
        """A link that works from now for `ttl_s` seconds and downloads the track with this `Content-Disposition`."""


@dataclass(frozen=True)
class UploadForm:
    """A form that a caller posts one file with: `fields` first, in any order, then the file as the field `file`."""

    url: str
    fields: Mapping[str, str]


class ReferenceStore(Protocol):
    """Reference recordings: what callers uploaded, and the jobs' own copies."""

    def upload_form(self, object_key: str, content_type: str, size_bytes: int, ttl_s: int) -> UploadForm:
        """A form that takes exactly `size_bytes` bytes of this media type for `ttl_s` seconds."""

    def size(self, object_key: str) -> int | None:
        """The file's size in bytes, or None where there is none; raises `TransientError`."""

    def open(self, object_key: str) -> Iterator[bytes] | None:
        """The file's bytes, or None where there is none; raises `TransientError`, also while they are read."""

    def put(self, object_key: str, path: Path, content_type: str) -> None:
        """Store a file under its key; the same file may be stored again."""

    def forget(self, begins_with: str) -> None:
        """Delete every file whose key begins so, which may be none; raises `TransientError`."""

    def link(self, object_key: str, ttl_s: int) -> str:
        """A link that works from now for `ttl_s` seconds."""
