"""The pieces of a song that listeners hear while it is made, and what is noted of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fermata.domain.live.packed_audio import Piece
    from fermata.domain.live.stream import LiveStream


class LiveStreams(Protocol):
    """The records of live songs, by the SHA-256 of their tokens. Writes are conditional as those of jobs are; every
    method raises `TransientError`.
    """

    def load(self, sha256: str) -> LiveStream | None:
        """The record, read consistently, or None."""

    def save(self, stream: LiveStream) -> None:
        """Store version 1, or replace the previous version; raises `StaleRecordError` if another run wrote first."""

    def forget(self, job_id: str) -> None:
        """Delete every record of a job."""


class LivePieces(Protocol):
    """The files of live songs, numbered from 1; all are kept 30 days."""

    def put(self, job_id: str, attempt: int, number: int, file: bytes) -> None:
        """Store one piece; raises `TransientError`."""

    def link(self, job_id: str, attempt: int, number: int, ttl_s: int) -> str:
        """A link that works from now for `ttl_s` seconds; raises `TransientError`."""

    def forget(self, job_id: str) -> None:
        """Delete every piece of a job; raises `TransientError`."""


class PieceCutter(Protocol):
    """Cuts one growing file into pieces."""

    def feed(self, audio: bytes) -> list[Piece]:
        """The pieces that these bytes complete."""

    def close(self) -> list[Piece]:
        """The last pieces, after the last bytes."""


class LiveSecret(Protocol):
    """The deployment's secret that makes the tokens of live songs."""

    def read(self) -> bytes:
        """The secret, perhaps cached; raises `TransientError`."""


class Work(Protocol):
    """Work that runs in the background."""

    def join(self, timeout_s: float) -> bool:
        """Wait at most `timeout_s` seconds for its end; whether it has ended."""


Background = Callable[[Callable[[], None]], Work]
"""Starts work in the background."""
