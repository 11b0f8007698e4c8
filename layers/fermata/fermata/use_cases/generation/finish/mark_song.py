"""Mark a song's file before it is stored. Nothing that goes wrong with that keeps the song from being stored."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import IO, Protocol

from fermata.domain.audio.marks import SongFacts, bytes_of
from fermata.domain.jobs.job import Job
from fermata.errors import DiskFullError
from fermata.log import logger
from fermata.ports.audio import AudioFacts, AudioMarker, MarkedFile
from fermata.ports.metrics import Metrics
from fermata.scratch import scratch_file


class MarkPorts(Protocol):
    """The ports of a run that marks songs; without a `marker`, songs stay as they are."""

    @property
    def marker(self) -> AudioMarker | None:
        """What marks a file."""

    @property
    def metrics(self) -> Metrics:
        """Counts songs that lack the manifest that they should have."""

    @property
    def scratch(self) -> Path:
        """A folder for one file at a time."""


@dataclass(frozen=True)
class SongToStore:
    """The file to store: its path, its size in bytes, and what marking made of it, perhaps parts of that file."""

    path: Path
    bytes: int
    marked: MarkedFile


@contextmanager
def song_to_store(job: Job, song: Path, facts: AudioFacts, sha256: str, ports: MarkPorts) -> Iterator[SongToStore]:
    """The song with its marks, or as it came; `facts` and `sha256` are those of the file at `song`. Two runs with the
    same song make the same bytes, unless they sign them.
    """
    with ExitStack() as files:
        copy, marked = _marked_copy(job, song, facts, sha256, ports, files)
        if copy is None or not marked.edits:
            yield SongToStore(song, facts.bytes, marked)
        elif marked.parts:
            yield SongToStore(song, bytes_of(marked.parts), marked)
        else:
            yield SongToStore(Path(copy.name), copy.tell(), marked)


def _marked_copy(
    job: Job, song: Path, facts: AudioFacts, sha256: str, ports: MarkPorts, files: ExitStack
) -> tuple[IO[bytes] | None, MarkedFile]:
    if ports.marker is None:
        return None, MarkedFile((), sha256)
    room = ExitStack()
    try:
        copy = room.enter_context(scratch_file(ports.scratch, job.id))
        marked = ports.marker.mark(song, facts, sha256, _facts_of(job), copy)
    except Exception as error:  # noqa: BLE001 - the song is paid for, so it is stored whatever its marks meet
        logger.warning("a song is stored without marks", extra={"job": job.id, "cause": type(error).__name__})
        with suppress(OSError, DiskFullError):
            room.close()
        return None, MarkedFile((), sha256)
    files.push(room)
    if marked.not_signed is not None:
        logger.warning("a song is stored without a signed manifest", extra={"job": job.id, "cause": marked.not_signed})
        ports.metrics.count("SongsNotSigned", None)
    return copy, marked


def _facts_of(job: Job) -> SongFacts:
    """What the marks say. The day is that of the recorded order, so that it is the same in every run."""
    attempt, request = job.attempts[-1], job.request
    return SongFacts(
        job_id=job.id,
        provider=attempt.provider,
        model=attempt.model,
        made_on=attempt.started_at.astimezone(UTC).date(),
        title=request.title,
        text=request.text or request.lyrics or None,
    )
