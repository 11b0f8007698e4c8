"""Let the state machine sleep until the provider's callback, unless that has arrived already."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial

from fermata.domain.jobs.attempt import Attempt, AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.providers.callbacks import Callback
from fermata.errors import TransientError
from fermata.ports.jobs import JobStore, MachineWaits
from fermata.ports.providers import CallbackStore
from fermata.use_cases.stale import retry_on_stale


@dataclass(frozen=True)
class CallbackPorts:
    """Ports of `await_callback` and `receive_callback`."""

    jobs: JobStore
    callbacks: CallbackStore
    waits: MachineWaits
    clock: Callable[[], datetime]


class Wait(StrEnum):
    """The outcome of `await_callback`."""

    ASLEEP = "asleep"
    POSTED_BEFORE = "posted_before"
    NOTHING_TO_AWAIT = "nothing_to_await"


def await_callback(job_id: str, attempt_number: int, task_token: str, ports: CallbackPorts) -> Wait:
    """Store the task token for the next callback, or end the wait at once if a callback has already arrived or the
    attempt has ended.

    Raises `TransientError`; the state machine then polls.
    """
    awaited = _awaited(ports.jobs.load_existing(job_id), attempt_number)
    if awaited is None or awaited.callback is None:
        ports.waits.end(task_token)
        return Wait.NOTHING_TO_AWAIT
    sha256 = awaited.callback.sha256
    given_up = TransientError("the callback's record kept changing; the song is polled for instead")
    wait = partial(_wait_once, task_token, ports)
    return retry_on_stale(wait, lambda: ports.callbacks.load(sha256), given_up=given_up)


def _awaited(job: Job, number: int) -> Attempt | None:
    last = job.last_attempt
    if last is None or last.number != number or job.status.is_terminal:
        return None
    return last if last.state is AttemptState.GENERATING else None


def _wait_once(task_token: str, ports: CallbackPorts, callback: Callback | None) -> Wait:
    if callback is None:
        # The record is gone, so no callback can arrive any more; the wait ends by its timeout.
        return Wait.ASLEEP
    if callback.unheeded:
        ports.callbacks.save(callback.heeded())
        ports.waits.end(task_token)
        return Wait.POSTED_BEFORE
    ports.callbacks.save(callback.awaited_by(task_token))
    return Wait.ASLEEP
