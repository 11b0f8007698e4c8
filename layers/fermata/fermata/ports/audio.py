"""Providers' answers, the files behind their links, and files that belong to callers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from fermata.domain.audio.marks import Edit, Mark, Marking, NotSigned, Part, SongFacts

if TYPE_CHECKING:
    from fermata.domain.audio.answer_parts import AroundSong
    from fermata.domain.jobs.songs import Track
    from fermata.domain.orders.references import ProviderIds
    from fermata.ports.providers import StreamedAnswer


class AnswerStore(Protocol):
    """The providers' raw answers, stored before they are parsed, and every other body received for an attempt: `cut`
    is the part of an answer that arrived, `body.<n>` an answer to a poll and `file.<n>` a song's file that was unusable
    or fetched later. All of it is kept 30 days.
    """

    def keep(self, job_id: str, attempt: int, answer: StreamedAnswer) -> None:
        """Stream an answer into the store; it is durable once this returns. If the answer is cut, the part that arrived
        is kept as `cut` and its `AnswerLostError` propagates.
        """

    def keep_song(
        self,
        job_id: str,
        attempt: int,
        answer: StreamedAnswer,
        song: StagedSong,
        path: Path,
        parts: Sequence[Part] = (),
    ) -> bool:
        """Store an answer as its song and what stands around it; the answer itself is not read. The song is the file at
        `path`, or `parts` whose spans are of that file. It is durable and complete once this returns True. False, and
        nothing is stored, where the store cannot hold what stands around it. Raises `TransientError`.
        """

    def song(self, job_id: str, attempt: int) -> StagedSong | None:
        """The song of an answer that was kept as one, or None; raises `TransientError`."""

    def open(self, job_id: str, attempt: int) -> StreamedAnswer | None:
        """A complete kept answer as it was sent, or None."""

    def keep_file(self, job_id: str, attempt: int, name: str, file: IO[bytes]) -> None:
        """Store a file's readable part, replacing any earlier file of this name; raises `TransientError`."""

    def open_file(self, job_id: str, attempt: int, name: str) -> Iterator[bytes] | None:
        """The file of this name in chunks, or None; raises `TransientError`, also while it is read."""

    def forget(self, job_id: str) -> None:
        """Delete every answer of a job, cut ones included; raises `TransientError`."""


class AudioLinks(Protocol):
    """Providers' links to songs; every address is checked before a connection is made."""

    def fetch(self, provider: str, url: str) -> Iterator[bytes]:
        """The file's bytes. Raises `LinkTroubleError` (temporary; after the bytes that arrived), `UnsafeLinkError`, or
        `AudioTooLargeError`.
        """

    def fetch_text(self, provider: str, url: str) -> Iterator[bytes]:
        """The bytes of a text that belongs to a song. Raises as `fetch` does, and sooner: nothing was paid for it."""


class ReferenceLinks(Protocol):
    """Callers' links to recordings; every address is checked before a connection is made."""

    def fetch(self, url: str) -> Iterator[bytes]:
        """The file's bytes. Raises `LinkExpiredError`, `UnsafeLinkError`, `BadAudioError` (far too large) or
        `TransientError`.
        """


@dataclass(frozen=True)
class AudioFacts:
    """Measured properties of a file, in ms, Hz, bits per second and bytes."""

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
        """The properties of a file; raises `BadAudioError` if it is not audio."""


@dataclass(frozen=True)
class MarkedFile:
    """What marking made of a file: its marks, its SHA-256, and how to undo the changes. A file without `edits` was left
    as it is, and nothing was written. One with `parts` was not written either: they are the marked file, and their
    spans are of the unmarked one. `not_signed` says why a manifest is missing that should be there.
    """

    marks: tuple[Mark, ...]
    sha256: str
    edits: tuple[Edit, ...] = ()
    not_signed: NotSigned | None = None
    parts: tuple[Part, ...] = field(default=(), repr=False)

    @property
    def is_signed_here(self) -> bool:
        """Whether Fermata signed the file. No two signatures are alike, so another run makes another file."""
        return bool(self.edits) and Mark.C2PA in self.marks


@dataclass(frozen=True)
class StagedSong:
    """The song of a paid answer, ready to become a track, and what rebuilds the answer: `facts` and `source_sha256` are
    those of the provider's file, `marked`, without its `parts`, is what `marking` made of it.
    """

    around: AroundSong
    facts: AudioFacts
    source_sha256: str
    marking: Marking
    marked: MarkedFile


@dataclass(frozen=True)
class SigningKey:
    """What the operator signs with: the chain of certificates, the signer's first, and its key, both in PEM, and the
    name of their algorithm in C2PA, such as `es256`. Neither stands in the text of this value.
    """

    certificates: str = field(repr=False)
    private_key: str = field(repr=False)
    algorithm: str


class AudioMarker(Protocol):
    """Writes what a song is into its file."""

    def mark(self, path: Path, facts: AudioFacts, sha256: str, about: SongFacts, into: IO[bytes]) -> MarkedFile:
        """Write the song with its marks, or return the parts that it is made of. `facts` and `sha256` are those of the
        file at `path`. A file that has no safe place for marks is left as it is. May raise any error for a file that
        cannot be read, or a full disk.
        """


class TrackStore(Protocol):
    """The finished songs."""

    def put(self, object_key: str, path: Path, content_type: str, sha256: str, parts: Sequence[Part] = ()) -> None:
        """Store a file, whose SHA-256 is known, under its key; the same file may be stored again. With `parts`, they
        are the file, and their spans are of the one at `path`. Raises `TransientError`, also where what is stored would
        have another SHA-256.
        """

    def forget(self, job_id: str) -> None:
        """Delete every song of a job; raises `TransientError`."""

    def stored(self, job_id: str) -> Mapping[int, str]:
        """The keys of a job's stored songs, by number; raises `TransientError`."""

    def take(self, object_key: str, job_id: str, attempt: int, content_type: str) -> bool:
        """Store the song that an attempt's answer was kept as, under its key, without reading it; False if it is gone.
        Raises `TransientError`.
        """

    def stage(self, object_key: str, job_id: str, attempt: int, number: int) -> None:
        """Copy a stored song to the staging of an attempt, as its file `file.<number>`; raises `TransientError`."""

    def link(self, track: Track, disposition: str, ttl_s: int) -> str:
        """A link that works from now for `ttl_s` seconds and downloads the track with this `Content-Disposition`."""

    def link_beside(self, object_key: str, disposition: str, ttl_s: int) -> str:
        """The same for a file beside the track: WebVTT where the key ends in `.vtt`, else JSON."""


class OriginalStore(Protocol):
    """The files of marked songs as their providers sent them, restored for callers who ask, and kept 30 days."""

    def restore(self, track: Track) -> None:
        """Put the provider's file of a track together, unless it is there. Raises `NotFoundError` if the song is gone,
        and `TransientError`.
        """

    def link(self, track: Track, disposition: str, ttl_s: int) -> str:
        """A link to the restored file that works from now for `ttl_s` seconds."""

    def forget(self, job_id: str) -> None:
        """Delete every restored file of a job; raises `TransientError`."""


@dataclass(frozen=True)
class UploadForm:
    """A form for posting one file: `fields` first, in any order, then the file as the field `file`."""

    url: str
    fields: Mapping[str, str]


class ReferenceStore(Protocol):
    """Reference recordings: the callers' uploads, and the jobs' own copies."""

    def upload_form(self, object_key: str, content_type: str, size_bytes: int, ttl_s: int) -> UploadForm:
        """A form that accepts exactly `size_bytes` bytes of this media type for `ttl_s` seconds."""

    def size(self, object_key: str) -> int | None:
        """The file's size in bytes, or None without a file; raises `TransientError`."""

    def open(self, object_key: str) -> Iterator[bytes] | None:
        """The file's bytes, or None without a file; raises `TransientError`, also while they are read."""

    def put(self, object_key: str, path: Path, content_type: str) -> None:
        """Store a file under its key; the same file may be stored again."""

    def forget(self, begins_with: str) -> None:
        """Delete every file (perhaps none) whose key has this prefix; raises `TransientError`."""

    def link(self, object_key: str, ttl_s: int) -> str:
        """A link that works from now for `ttl_s` seconds."""


class ReferenceIds(Protocol):
    """The ids that providers gave the recordings of each tenant. They stay when the jobs that made them are deleted,
    because the providers keep the recordings. Both methods raise `TransientError`.
    """

    def remember(self, tenant_id: str, ids: ProviderIds) -> None:
        """Store the ids of a recording, with the alias of the key whose account has them."""

    def key_alias(self, tenant_id: str, provider: str, kind: str, provider_id: str) -> str | None:
        """The alias of the key whose account has an id of this tenant, or None for any other id. `kind` is `voice_id`
        or `instrumental_id`.
        """
