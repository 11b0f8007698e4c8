"""Answer players: the playlist of a live song, and links to its pieces."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fermata.domain.jobs.job import Job
from fermata.domain.live.playlist import playlist
from fermata.domain.live.stream import LiveStream, has_ended, may_be_heard
from fermata.domain.live.token import is_live_token, live_sha256
from fermata.errors import NotFoundError
from fermata.ports.jobs import JobStore
from fermata.ports.live import LivePieces, LiveStreams


@dataclass(frozen=True)
class ReadLivePorts:
    """Ports of `read_playlist` and `link_to_piece`. An address answers for `grace_s` seconds after its job succeeded;
    links work for `link_ttl_s` seconds.
    """

    jobs: JobStore
    streams: LiveStreams
    pieces: LivePieces
    clock: Callable[[], datetime]
    grace_s: int
    link_ttl_s: int


def read_playlist(token: str, ports: ReadLivePorts) -> str:
    """The playlist so far, with its end once no piece follows. Raises the same `NotFoundError` for an address that was
    guessed, has ended, or belongs to a deleted job.
    """
    job, stream = _found(token, ports)
    return playlist(stream, ended=has_ended(job, stream))


def link_to_piece(token: str, name: str, ports: ReadLivePorts) -> str:
    """A fresh link to the piece with this name, for example `7.mp3`. Raises `NotFoundError` as `read_playlist` does,
    and for a piece that is not in the playlist.
    """
    _, stream = _found(token, ports)
    number = next((each for each in range(1, len(stream.durations_ms) + 1) if f"{each}.mp3" == name), None)
    if number is None:
        raise _not_found()
    return ports.pieces.link(stream.job_id, stream.attempt, number, ports.link_ttl_s)


def _found(token: str, ports: ReadLivePorts) -> tuple[Job, LiveStream]:
    stream = ports.streams.load(live_sha256(token)) if is_live_token(token) else None
    job = ports.jobs.load(stream.job_id) if stream is not None else None
    if job is None or stream is None or not may_be_heard(job, stream, ports.clock(), ports.grace_s):
        raise _not_found()
    return job, stream


def _not_found() -> NotFoundError:
    return NotFoundError("nothing is heard at this address; expected urls.live of a job whose song is being made")
