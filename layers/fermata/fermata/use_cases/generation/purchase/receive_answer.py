"""Receive a paid answer. While it arrives, one pass parses it, takes its song apart and hashes that; one write stages
it. The outcome counts only once the answer is staged.

An answer that holds a song as hex text is staged as the song, ready to become a track, with what rebuilds the answer.
Any other is staged as it was sent, and so is every answer with which anything went wrong on this way.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import IO, Final

from fermata.domain.audio.answer_parts import AnswerParts
from fermata.domain.audio.container import HEAD_BYTES, begins_as_audio
from fermata.domain.audio.marks import Marking
from fermata.domain.jobs.job import Job
from fermata.domain.providers.calls import AudioInAnswer, Provider, StartOutcome
from fermata.errors import AnswerLostError, DiskFullError
from fermata.log import logger
from fermata.ports.audio import AnswerStore, AudioMarker, AudioMeter, StagedSong
from fermata.ports.metrics import Metrics
from fermata.ports.providers import StreamedAnswer
from fermata.scratch import scratch_file, write_through
from fermata.use_cases.generation.finish.mark_song import song_to_store
from fermata.use_cases.generation.follow.parse_answer import AnswerReading, outcome_of

_READ_BYTES: Final = 1024 * 1024
_MEASURED_WITHIN_S: Final = 30
"""Seconds that this run needs to measure, mark and stage a song. With less, the answer is staged as it was sent."""


@dataclass(frozen=True)
class ReceivePorts:
    """Ports of `receive`. Meter and marker are made when the first song has arrived. A `marking` that needs the
    operator's key has no marker here; `store_audio` then marks the song.
    """

    answers: AnswerStore
    make_meter: Callable[[], AudioMeter]
    make_marker: Callable[[], AudioMarker | None]
    marking: Marking
    metrics: Metrics
    scratch: Path

    @property
    def marker(self) -> AudioMarker | None:
        """What marks a song now."""
        return self.make_marker()


def receive(
    answer: StreamedAnswer,
    claimed: Job,
    ports: ReceivePorts,
    providers: Callable[[str], Provider],
    remaining_s: Callable[[], float],
) -> StartOutcome | None:
    """Stage the answer to the last attempt, and return its outcome; None where only what is staged can tell it.

    Raises `TransientError` if the store fails, and `AnswerLostError` if the answer is cut; the part that arrived is
    then kept.
    """
    with ExitStack() as room:
        received = _Received(answer, claimed.id, ports.scratch, room)
        is_song = received.take_apart() and isinstance(received.outcome(claimed, providers), AudioInAnswer)
        has_time = remaining_s() >= _MEASURED_WITHIN_S
        if not (is_song and has_time and _keep_song(received, claimed, ports)):
            ports.answers.keep(claimed.id, claimed.attempts[-1].number, received.as_sent())
        return received.outcome(claimed, providers)


def _keep_song(received: "_Received", claimed: Job, ports: ReceivePorts) -> bool:
    path, around = received.song(), received.parts.close()
    if path is None or around is None:
        return False
    try:
        facts = ports.make_meter().measure(path)
    except Exception as error:  # noqa: BLE001 - the answer is paid for, so it is staged whatever its song meets
        logger.warning("an answer is staged as it was sent", extra={"job": claimed.id, "cause": type(error).__name__})
        return False
    sha256 = received.sha256()
    with song_to_store(claimed, path, facts, sha256, ports) as song:
        # A song without marks is looked at once more before it is stored.
        marking = ports.marking if song.marked.marks else Marking.OFF
        staged = StagedSong(around, facts, sha256, marking, replace(song.marked, parts=()))
        number, parts = claimed.attempts[-1].number, song.marked.parts
        return ports.answers.keep_song(claimed.id, number, received.answer, staged, song.path, parts)


class _Received:
    """One answer while it arrives, its song in a file of its own, and what of it was not taken apart."""

    def __init__(self, answer: StreamedAnswer, job_id: str, scratch: Path, room: ExitStack) -> None:
        self.answer = answer
        self.parts = AnswerParts()
        self._job_id = job_id
        self._scratch = scratch
        self._room = room
        self._file: IO[bytes] | None = None
        self._digest = hashlib.sha256()
        self._reading: AnswerReading | None = AnswerReading(answer)
        self._outcome: StartOutcome | None = None
        self._rest: Iterator[bytes] = iter(())

    def take_apart(self) -> bool:
        """Read the answer as far as it can be taken apart, and return whether that was to its end."""
        chunks = self.answer.chunks()
        try:
            for chunk in chunks:
                if not self._take(chunk):
                    self._rest = chain((chunk,), self._read_on(chunks))
                    return False
        except AnswerLostError as error:
            self._rest = _failing(error)
            return False
        return True

    def as_sent(self) -> "_AsSent":
        """The answer as it was sent, with what has not arrived yet; raises as the answer does."""
        answer = self.answer
        chunks = chain(self.parts.rebuilt(self._song_pieces()), self._rest)
        return _AsSent(answer.http_status, answer.content_type, answer.retry_after_s, answer.trace_id, chunks)

    def outcome(self, claimed: Job, providers: Callable[[str], Provider]) -> StartOutcome | None:
        """What the whole answer means, read once; None if that failed."""
        reading, self._reading = self._reading, None
        if reading is not None:
            with _reported("an answer is read once more"):
                self._outcome = outcome_of(reading.close(), claimed, claimed.attempts[-1], providers)
        return self._outcome

    def song(self) -> Path | None:
        """The file of the song, or None if it begins as no audio."""
        head = next(self._song_pieces(), b"")
        return Path(self._file.name) if self._file is not None and begins_as_audio(head[:HEAD_BYTES]) else None

    def sha256(self) -> str:
        """The SHA-256 of the song."""
        return self._digest.hexdigest()

    def _take(self, chunk: bytes) -> bool:
        text = self._read(chunk)
        if self._reading is None or self._reading.is_stream:
            return False
        parted = self.parts.part(chunk, text)
        if parted is None or not self._write(parted.song):
            return False
        self.parts.add(parted)
        self._digest.update(parted.song)
        return True

    def _read(self, chunk: bytes) -> bytes:
        if self._reading is not None:
            with _reported("an answer is read once more"):
                return self._reading.feed(chunk)
        self._reading = None
        return b""

    def _read_on(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._read(chunk)
            yield chunk

    def _write(self, piece: bytes) -> bool:
        """Whether there was room for all of a piece; if not, what was written before it is still there."""
        if not piece:
            return True
        try:
            if self._file is None:
                self._file = self._room.enter_context(scratch_file(self._scratch, self._job_id))
            write_through(self._file, piece)
        except (DiskFullError, OSError) as error:
            logger.warning("an answer is staged without a copy on disk", extra={"error": type(error).__name__})
            return False
        return True

    def _song_pieces(self) -> Iterator[bytes]:
        if self._file is None:
            return
        left = self.parts.song_bytes
        with Path(self._file.name).open("rb") as file:
            while left > 0 and (piece := file.read(min(left, _READ_BYTES))):
                left -= len(piece)
                yield piece


@dataclass(frozen=True)
class _AsSent:
    """An answer with other chunks, to be read once."""

    http_status: int
    content_type: str
    retry_after_s: int | None
    trace_id: str | None
    pieces: Iterator[bytes]

    def chunks(self) -> Iterator[bytes]:
        return self.pieces


@contextmanager
def _reported(consequence: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the answer is paid for, so it is staged whatever reading it meets
        logger.warning(consequence, extra={"cause": type(error).__name__})


def _failing(error: AnswerLostError) -> Iterator[bytes]:
    raise error
    yield b""
