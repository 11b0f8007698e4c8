"""Publish the pieces of a paid song while its stream arrives, without any effect on the purchase.

The reader of the paid answer hands every chunk to a queue of limited size and never waits. A worker in the background
decodes the chunks, cuts pieces and publishes them. Whatever goes wrong there ends what is heard, never the song.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from queue import SimpleQueue
from threading import Lock
from typing import Final

from fermata.domain.live.heard_audio import HeardAudio
from fermata.domain.live.packed_audio import Piece
from fermata.domain.live.stream import LiveStream
from fermata.domain.live.token import live_sha256, live_token
from fermata.errors import FermataError, StaleRecordError
from fermata.log import logger
from fermata.ports.jobs import JobStore
from fermata.ports.live import Background, LivePieces, LiveSecret, LiveStreams, PieceCutter, Work
from fermata.ports.providers import StreamedAnswer

LONGEST_QUEUE_BYTES: Final = 2 * 1024 * 1024
"""The bytes of a stream that may wait for the worker: half a minute at the pace of a song. More are dropped, which ends
what is heard.
"""
LINGER_S: Final = 0.25
"""How long the run waits, once the outcome is on record, for a worker that makes no progress."""
_MOST_LINGERING: Final = 8


@dataclass(frozen=True)
class LivePorts:
    """Ports of `listen`. `cutter` makes a cutter for one file."""

    jobs: JobStore
    streams: LiveStreams
    pieces: LivePieces
    secret: LiveSecret
    cutter: Callable[[], PieceCutter]
    background: Background
    clock: Callable[[], datetime]


@dataclass(frozen=True)
class HeardAnswer:
    """A provider's answer of which every chunk is also handed to listeners."""

    answer: StreamedAnswer
    hear: Callable[[bytes], None]

    @property
    def http_status(self) -> int:
        """The status code."""
        return self.answer.http_status

    @property
    def content_type(self) -> str:
        """The media type as sent."""
        return self.answer.content_type

    @property
    def retry_after_s(self) -> int | None:
        """Seconds from `Retry-After`, if the provider sent it."""
        return self.answer.retry_after_s

    @property
    def trace_id(self) -> str | None:
        """The provider's trace id, if its headers had a usable one."""
        return self.answer.trace_id

    def chunks(self) -> Iterator[bytes]:
        """The chunks of the answer; raises as that does."""
        for chunk in self.answer.chunks():
            self.hear(chunk)
            yield chunk


Listen = Callable[[StreamedAnswer], StreamedAnswer]
"""Returns an answer with the same bytes, which listeners may hear as they pass."""


Listening = Callable[[str, int], AbstractContextManager[Listen]]
"""`listening` for a job and an attempt, with its ports."""


@contextmanager
def listening(job_id: str, attempt: int, ports: LivePorts) -> Iterator[Listen]:
    """Publish the pieces of an attempt's answer. The block should contain everything that decides on the purchase;
    after it, the rest of the pieces is waited for, briefly.
    """
    queue = _Queue()
    publisher = _Publisher(job_id, attempt, ports, queue)
    try:
        work = ports.background(publisher.run)
    except RuntimeError:  # the environment has no thread left; the order goes on without listeners
        logger.exception("a live song is not heard", extra={"live": publisher.about("no thread could be started")})
        yield lambda answer: answer
        return
    try:
        yield lambda answer: HeardAnswer(answer, queue.put)
    finally:
        queue.end()
        _linger(work, publisher)


def _linger(work: Work, publisher: "_Publisher") -> None:
    for _ in range(_MOST_LINGERING):
        before = publisher.published
        if work.join(LINGER_S):
            return
        if publisher.published == before:
            break
    publisher.is_abandoned = True


class _Queue:
    """Chunks on their way to the worker. Once one was dropped, none follows, because a song with a gap is no song."""

    def __init__(self) -> None:
        self._chunks: SimpleQueue[bytes | None] = SimpleQueue()
        self._lock = Lock()
        self._waiting_bytes = 0
        self.has_dropped = False

    def put(self, chunk: bytes) -> None:
        """Hand over a chunk, or drop it where too much is waiting; never waits."""
        with self._lock:
            self.has_dropped = self.has_dropped or self._waiting_bytes + len(chunk) > LONGEST_QUEUE_BYTES
            if self.has_dropped:
                return
            self._waiting_bytes += len(chunk)
        self._chunks.put(chunk)

    def end(self) -> None:
        """Say that no chunk follows."""
        self._chunks.put(None)

    def chunks(self) -> Iterator[bytes]:
        """The chunks as they come, until the end."""
        while (chunk := self._chunks.get()) is not None:
            with self._lock:
                self._waiting_bytes -= len(chunk)
            yield chunk


@dataclass
class _Publisher:
    """The worker. It checks `is_abandoned` between its calls, because Lambda may freeze it for minutes between two."""

    job_id: str
    attempt: int
    ports: LivePorts
    queue: _Queue
    is_abandoned: bool = False
    published: int = 0
    _stream: LiveStream | None = field(default=None, init=False)
    _has_begun: bool = field(default=False, init=False)

    def run(self) -> None:
        """Publish until the end of the answer; never raises."""
        self._try(self._publish_all)
        self._try(self._forget_what_was_deleted)

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except FermataError as error:
            logger.warning("a live song is not heard any further", extra={"live": self.about(str(error))})
        except Exception:  # noqa: BLE001 - whatever it is, the song is paid for and goes on
            logger.exception("a live song broke this run's own code", extra={"live": self.about("unexpected")})

    def _publish_all(self) -> None:
        for piece in self._pieces():
            if self.is_abandoned:
                return
            self._publish(piece)
        if self._stream is not None and not self.queue.has_dropped and not self.is_abandoned:
            self._save(self._stream.at_its_end())

    def _pieces(self) -> Iterator[Piece]:
        heard, cutter = HeardAudio(), self.ports.cutter()
        for chunk in self.queue.chunks():
            for audio in heard.feed(chunk):
                yield from cutter.feed(audio)
        if self.queue.has_dropped:
            found = "pieces that were published too slowly"
            logger.warning("a live song is not heard any further", extra={"live": self.about(found)})
            return
        for audio in heard.close():
            yield from cutter.feed(audio)
        yield from cutter.close()

    def about(self, found: str) -> dict[str, object]:
        """What a log line says: which song this is, and what was found."""
        return {"job_id": self.job_id, "attempt": self.attempt, "pieces": self.published, "found": found}

    def _publish(self, piece: Piece) -> None:
        stream = self._stream or self._new_stream()
        self._has_begun = True
        self.ports.pieces.put(self.job_id, self.attempt, self.published + 1, piece.packed())
        if self.is_abandoned:
            return
        self._save(stream.with_piece(piece.duration_ms))
        self.published += 1

    def _new_stream(self) -> LiveStream:
        token = live_token(self.ports.secret.read(), self.job_id, self.attempt)
        return LiveStream.new(live_sha256(token), self.job_id, self.attempt, self.ports.clock())

    def _save(self, stream: LiveStream) -> None:
        try:
            self.ports.streams.save(stream)
        except StaleRecordError:
            # The write may have succeeded although its answer was lost and the client repeated it.
            if self.ports.streams.load(stream.sha256) != stream:
                raise
        self._stream = stream

    def _forget_what_was_deleted(self) -> None:
        """Delete what was written after the job's deletion: by a lost run, or by one that Lambda froze amid a write. A
        write that failed counts too, because it may have succeeded.
        """
        job = self.ports.jobs.load(self.job_id) if self._has_begun else None
        if job is not None and job.deleted_at is not None:
            forget_live(self.job_id, self.ports.pieces, self.ports.streams)


def forget_live(job_id: str, pieces: LivePieces, streams: LiveStreams) -> None:
    """Delete the pieces of a job and what is noted of them. Raises `TransientError` if any may be left."""
    pieces.forget(job_id)
    streams.forget(job_id)
