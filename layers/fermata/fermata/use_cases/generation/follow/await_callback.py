"""Let the state machine sleep until the provider posts, unless it has posted already."""

from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fermata.domain.jobs.attempt import Attempt, AttemptState
from fermata.domain.jobs.job import Job
from fermata.errors import StaleRecordError, TransientError
from fermata.ports.jobs import JobStore, MachineWaits
from fermata.ports.providers import CallbackStore

WRITES: Final = 5


@dataclass(frozen=True)
class CallbackPorts:
    """What waiting for a callback and receiving one work with."""

    jobs: JobStore
    callbacks: CallbackStore
    waits: MachineWaits


class Wait(StrEnum):
    """What became of a wait."""

    ASLEEP = "asleep"
    POSTED_BEFORE = "posted_before"
    NOTHING_TO_AWAIT = "nothing_to_await"


def await_callback(job_id: str, attempt_number: int, task_token: str, ports: CallbackPorts) -> Wait:
    """Leave the task token for the next post, or end the wait at once: for a post that came before it, or an attempt
    that has ended.

    Raises `TransientError`; the machine then polls.
    """
    awaited = _awaited(ports.jobs.load_existing(job_id), attempt_number)
    if awaited is None or awaited.callback is None:
        ports.waits.end(task_token)
        return Wait.NOTHING_TO_AWAIT
    for _ in range(WRITES):
        with suppress(StaleRecordError):
            return _wait_once(awaited.callback.sha256, task_token, ports)
    raise TransientError("the callback's record kept changing; the song is polled for instead")


def _awaited(job: Job, number: int) -> Attempt | None:
    last = job.last_attempt
    if last is None or last.number != number or job.status.is_terminal:
        return None
    return last if last.state is AttemptState.GENERATING else None


def _wait_once(sha256: str, task_token: str, ports: CallbackPorts) -> Wait:
    callback = ports.callbacks.load(sha256)
    if callback is None:
        # Its record is gone, so nobody can post any more; the wait ends by its timeout.
        return Wait.ASLEEP
    if callback.unheeded:
        ports.callbacks.save(callback.heeded())
        ports.waits.end(task_token)
        return Wait.POSTED_BEFORE
    ports.callbacks.save(callback.awaited_by(task_token))
    return Wait.ASLEEP
