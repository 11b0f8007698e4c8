"""Recover the jobs that were open when the table was restored: finish what was surely bought and refund the rest,
without another order. It may be killed at any write and run again.
"""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from fermata.domain.finish.restored import Fate, fate_of, is_to_recover, number_of_staging, replayed
from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.terms import MAX_ATTEMPTS
from fermata.domain.providers.calls import Provider, StartOutcome
from fermata.domain.web.formats import rfc3339
from fermata.errors import NotFinishedError, UnreadableRecordError
from fermata.ports.audio import AnswerStore, TrackStore
from fermata.ports.jobs import DueJobs, JobMachine, JobStore
from fermata.use_cases.generation.follow.parse_answer import understood_answer
from fermata.use_cases.stale import retry_on_stale

RUNS_FOR: Final = timedelta(seconds=200)
"""How long a run takes new jobs; the operator's function has 300 s."""
EVERY_ONE: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""An instant at which every job that is open or unreported is due."""


class Recover(BaseModel):
    """Recover the jobs that were open when the table was restored, without another order."""

    model_config = ConfigDict(defer_build=True, extra="forbid")

    action: Literal["recover"]


@dataclass(frozen=True)
class RecoverPorts:
    """Ports of `recover_jobs`. `restored_at` is when the table was restored, None for a stack on its own table; `clock`
    measures the run's duration.
    """

    jobs: JobStore
    due: DueJobs
    answers: AnswerStore
    tracks: TrackStore
    providers: Callable[[str], Provider]
    machine: JobMachine
    restored_at: datetime | None
    clock: Callable[[], datetime]


def recover_jobs(ports: RecoverPorts, now: datetime) -> dict[str, JsonValue]:
    """Replay every job that was open at the restore point and start the machine, which finishes or settles it. Returns
    the number of jobs by what becomes of them; `complete` is false if another run has to continue.

    Raises `NotFinishedError` for a stack on its own table, and `TransientError`, after which it may run again.
    """
    restored_at = ports.restored_at
    if restored_at is None:
        raise NotFinishedError("this stack runs on its own table; expected one that RestoredTableName points at")
    done: Counter[str] = Counter()
    unreadable: list[JsonValue] = []
    complete = True
    for job_id in ports.due.find(EVERY_ONE):
        try:
            done.update(_recovered(job_id, restored_at, ports))
        except UnreadableRecordError:
            unreadable.append(job_id)
        if ports.clock() - now >= RUNS_FOR:
            complete = False
            break
    fates = {fate.value: done[fate] for fate in Fate}
    return {"restored_at": rfc3339(restored_at), **fates, "unreadable": unreadable, "complete": complete}


def _recovered(job_id: str, restored_at: datetime, ports: RecoverPorts) -> list[Fate]:
    """The job's fate, if this run replayed it."""
    loading = partial(ports.jobs.load, job_id)
    job, is_new = retry_on_stale(partial(_replayed_once, restored_at, ports), loading)
    if job is None or job.status.is_terminal or job.restored_at is None:
        return []
    # Started after the write, and by every run: the one before may have been killed in between.
    ports.machine.start(job.id, job.execution_name)
    return [fate_of(job)] if is_new else []


def _replayed_once(restored_at: datetime, ports: RecoverPorts, job: Job | None) -> tuple[Job | None, bool]:
    if job is None or not is_to_recover(job, restored_at):
        return job, False
    now = ports.clock()
    if job.recovered_from is not None:
        # It orders nothing, and its answer is staged under another job.
        changed = replayed(job, (), lambda _: None, (), restored_at, now)
    else:
        staged = [each for each in range(1, MAX_ATTEMPTS + 1) if ports.answers.open(job.id, each) is not None]
        answer_to = partial(_answer_to, job, ports)
        changed = replayed(job, staged, answer_to, _stored(job, staged, ports), restored_at, now)
    ports.jobs.replay(changed)
    return changed, True


def _answer_to(job: Job, ports: RecoverPorts, attempt: Attempt) -> StartOutcome | None:
    return understood_answer(job, attempt, ports.answers, ports.providers)


def _stored(job: Job, staged: Collection[int], ports: RecoverPorts) -> list[int]:
    """The numbers of the songs that were stored, after their files were copied to the staging of the last attempt."""
    found = ports.tracks.stored(job.id)
    for number, object_key in found.items():
        ports.tracks.stage(object_key, job.id, number_of_staging(job, staged), number)
    return sorted(found)
