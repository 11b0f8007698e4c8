"""Follows one order from its request to checked files on disk."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from local.demo.errors import SongError
from local.demo.execution_history import StatesPassed, read_states_passed
from local.demo.job_api import JobApi, JobSnapshot, Track
from local.demo.orders import LYRICS, Order
from local.demo.playback import check_file
from local.demo.progress import ProgressDisplay
from local.simulators.recording import Song, record

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

SONG_WITHIN_S: Final = 90
_POLL_EVERY_S: Final = 0.25


@dataclass(frozen=True)
class Delivery:
    """Checked songs on disk, with a path for each track; `seconds` is the time from submit to checked files."""

    order: Order
    job_id: str
    paths: tuple[Path, ...]
    tracks: tuple[Track, ...]
    states: StatesPassed
    seconds: float


@dataclass(frozen=True)
class FailedSong:
    """A song that was not delivered; `job_id` is None where the order was not accepted."""

    order: Order
    job_id: str | None
    reason: str


@dataclass(frozen=True)
class Studio:
    """Ports of `deliver`; setting `stopped` ends all waiting, `within_s` is the limit per song in seconds."""

    api: JobApi
    step_functions: "SFNClient"
    machine_arn: str
    out_dir: Path
    display: ProgressDisplay
    stopped: threading.Event
    within_s: float = SONG_WITHIN_S


def deliver(order: Order, prompt: str, studio: Studio) -> Delivery | FailedSong:
    """Order a song and follow it to the end; a failure becomes a `FailedSong`."""
    started = time.monotonic()
    job_id: str | None = None
    try:
        job = studio.api.submit(order.request(prompt, _recording_for(order, studio)))
        job_id = job.id
        tracks = _watch(order, job, studio)
        paths = tuple(_save(order, job_id, number, track, studio) for number, track in enumerate(tracks, 1))
        seconds = time.monotonic() - started
        states = read_states_passed(studio.step_functions, studio.machine_arn, job_id)
    except SongError as error:
        studio.display.finish(order, "failed")
        return FailedSong(order, job_id, str(error))
    studio.display.finish(order, "plays")
    return Delivery(order, job_id, paths, tracks, states, seconds)


def _recording_for(order: Order, studio: Studio) -> str | None:
    if not order.after_a_recording:
        return None
    recorded = Song("a voice and a guitar", lyrics="\n".join([LYRICS, LYRICS]))
    return studio.api.upload(record(recorded).content, recorded.content_type)


def _watch(order: Order, job: JobSnapshot, studio: Studio) -> tuple[Track, ...]:
    deadline = time.monotonic() + studio.within_s
    studio.display.show(order, job)
    while not job.is_closed:
        if time.monotonic() > deadline:
            raise SongError(f"expected a song within {studio.within_s:g} s, the job is still {job.status}")
        if studio.stopped.wait(_POLL_EVERY_S):
            raise SongError(f"the demo was stopped while the job was {job.status}")
        job = studio.api.look(job.id)
        studio.display.show(order, job)
    if len(job.tracks) != order.songs:
        found = f"expected {order.songs} tracks, the job is {job.status} with {len(job.tracks)}"
        raise SongError(job.failure or found)
    return job.tracks


def _save(order: Order, job_id: str, number: int, track: Track, studio: Studio) -> Path:
    audio = studio.api.download(track)
    name = job_id if number == 1 else f"{job_id}-{number}"
    path = studio.out_dir / f"{name}.{order.audio_format}"
    check_file(audio, track)
    try:
        path.write_bytes(audio)
    except OSError as error:
        raise SongError(f"expected to write {path}, found: {error.strerror}") from error
    return path
