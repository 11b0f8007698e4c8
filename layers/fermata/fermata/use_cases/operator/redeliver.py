"""Deliver a paid song that never reached its tenant, without ordering another."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import JsonValue

from fermata.domain.finish.overdue import looked_after
from fermata.domain.finish.redelivery import (
    kept_files,
    may_have_a_song,
    missing_numbers,
    on_record,
    recovered_id,
    recovered_job,
)
from fermata.domain.finish.rescue import redelivered
from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.orders.job_id import is_job_id
from fermata.domain.providers.calls import Provider, Refused, StartOutcome, TaskStarted
from fermata.errors import AlreadyFinishedError, NotFinishedError, NotFoundError, StaleRecordError, TransientError
from fermata.ports.audio import AnswerStore
from fermata.ports.jobs import JobMachine, JobStore
from fermata.use_cases.generation.follow.parse_answer import understood_answer
from fermata.use_cases.stale import READS, retry_on_stale

_REDELIVERABLE: Final = "only one that has failed, expired or lacks songs can be redelivered"
_NOTHING_STAGED: Final = "no answer of a provider is staged (any more), and no task and no link is on record"


@dataclass(frozen=True)
class RedeliverPorts:
    """Ports of `redeliver`. The reaper checks `first_check_s` seconds after the new job's creation whether it was
    started.
    """

    jobs: JobStore
    answers: AnswerStore
    providers: Callable[[str], Provider]
    machine: JobMachine
    first_check_s: int


def redeliver(job_id: str, ports: RedeliverPorts, now: datetime) -> dict[str, JsonValue]:
    """Create and start a new job from the purchase of one that failed, expired, or was delivered without all of its
    songs. It uses the files and answers in staging, which need no provider, else the task or the links on record. Its
    credits are held and settled like any job's. Running it again returns the same new job, and starts it if an earlier
    run did not.

    Raises `NotFoundError`, `NotFinishedError`, `AlreadyFinishedError` if there is nothing to redeliver,
    `OutOfCreditError`, and `TransientError`, after which it may run again.
    """
    job = _load_ended(job_id, ports.jobs)
    recovered = ports.jobs.load(recovered_id(job)) or _created(job, ports, now)
    if not recovered.status.is_terminal:
        ports.machine.start(recovered.id)
    _end_rescue(job, recovered, ports.jobs)
    return {
        "job_id": recovered.id,
        "recovered_from": job.id,
        "tenant_id": recovered.tenant_id,
        "status": recovered.status.value,
        "price_credits": recovered.price_credits,
    }


def _load_ended(job_id: str, jobs: JobStore) -> Job:
    job = jobs.load(job_id) if is_job_id(job_id) else None
    if job is None or job.deleted_at is not None:
        raise NotFoundError("there is no such job; expected the id of one that failed and was not deleted")
    if not job.status.is_terminal:
        raise NotFinishedError(f"the job is {job.status}; {_REDELIVERABLE}")
    if job.status not in (JobStatus.FAILED, JobStatus.EXPIRED) and not missing_numbers(job):
        raise AlreadyFinishedError(f"the job is {job.status}; {_REDELIVERABLE}")
    return job


def _created(job: Job, ports: RedeliverPorts, now: datetime) -> Job:
    attempt, outcome = _best_purchase(job, ports)
    recovered = looked_after(recovered_job(job, attempt, outcome, now), ports.first_check_s)
    try:
        ports.jobs.create(recovered)
    except StaleRecordError:
        # Another run created it first, or this one did and the answer was lost.
        return ports.jobs.load(recovered.id) or recovered
    return recovered


def _best_purchase(job: Job, ports: RedeliverPorts) -> tuple[Attempt, StartOutcome | None]:
    """The newest attempt that needs no provider any more, else the newest with a task or links; and the outcome to
    begin with, None for files that were fetched into staging.
    """
    attempts = may_have_a_song(job)
    for attempt in attempts:
        if kept_files(job, attempt):
            return attempt, None
    understood = {each.number: understood_answer(job, each, ports.answers, ports.providers) for each in attempts}
    found = [(each, _usable(understood[each.number]) or on_record(each)) for each in attempts]
    usable = [(each, outcome) for each, outcome in found if outcome is not None]
    if usable:
        # A task must be polled and may have no song.
        return min(usable, key=lambda each: isinstance(each[1], TaskStarted))
    refusals = (each.failure.message for each in understood.values() if isinstance(each, Refused))
    reason = next(refusals, None)
    said = f"the provider's answer is no song ({reason})" if reason else _NOTHING_STAGED
    raise AlreadyFinishedError(f"the job is {job.status} and {said}; there is nothing to redeliver")


def _usable(outcome: StartOutcome | None) -> StartOutcome | None:
    return None if isinstance(outcome, Refused) else outcome


def _end_rescue(job: Job, recovered: Job, jobs: JobStore) -> None:
    """Record that the first job needs no more fetches, and remove it from the list of recoverable jobs."""

    def end(current: Job | None) -> None:
        if current is None or current.deleted_at is not None or current.rescue is None:
            return
        if current.rescue.redelivered_as is None:
            jobs.save(redelivered(current, recovered.id))

    given_up = TransientError(f"{job.id} changed {READS} times meanwhile; run the command again")
    retry_on_stale(end, lambda: jobs.load(job.id), known=job, given_up=given_up)
