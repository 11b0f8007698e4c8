"""Deliver a song that was bought and never reached its customer, without asking any provider for another."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from fermata.domain.job_ids import is_job_id
from fermata.domain.jobs import Attempt, Job, JobStatus
from fermata.domain.reaping import looked_after
from fermata.domain.recovery import may_have_a_song, recovered_id, recovered_job
from fermata.domain.upstream import Provider, Refused, StartOutcome
from fermata.errors import AlreadyFinishedError, NotFinishedError, NotFoundError, StaleRecordError
from fermata.ports import AnswerStore, JobMachine, JobStore
from fermata.use_cases.reading_answers import understood_answer


@dataclass(frozen=True)
class RedeliverPorts:
    """What `redeliver` works with; `first_check_s` seconds after it was made somebody looks whether the new job was
    started.
    """

    jobs: JobStore
    answers: AnswerStore
    providers: Callable[[str], Provider]
    machine: JobMachine
    first_check_s: int


def redeliver(job_id: str, ports: RedeliverPorts, now: datetime) -> dict[str, JsonValue]:
    """Make and start a new job, held and settled as any, around the staged answer of one that failed or expired. Doing
    it again answers with the same new job, and starts it where that was missed.

    Raises `NotFoundError`, `NotFinishedError`, `AlreadyFinishedError` where there is nothing to redeliver,
    `OutOfCreditError`, and `TransientError`, after which it may be run again.
    """
    job = _ended(job_id, ports.jobs)
    recovered = ports.jobs.load(recovered_id(job)) or _made(job, ports, now)
    if not recovered.status.is_terminal:
        ports.machine.start(recovered.id)
    return {
        "job_id": recovered.id,
        "recovered_from": job.id,
        "tenant_id": recovered.tenant_id,
        "status": recovered.status.value,
        "price_credits": recovered.price_credits,
    }


def _ended(job_id: str, jobs: JobStore) -> Job:
    job = jobs.load(job_id) if is_job_id(job_id) else None
    if job is None or job.deleted_at is not None:
        raise NotFoundError("there is no such job; expected the id of one that failed and was not deleted")
    if not job.status.is_terminal:
        raise NotFinishedError(f"the job is {job.status}; only one that has failed or expired can be redelivered")
    if job.status not in (JobStatus.FAILED, JobStatus.EXPIRED):
        raise AlreadyFinishedError(f"the job is {job.status}; only one that has failed or expired can be redelivered")
    return job


def _made(job: Job, ports: RedeliverPorts, now: datetime) -> Job:
    attempt, outcome = _bought(job, ports)
    recovered = looked_after(recovered_job(job, attempt, outcome, now), ports.first_check_s)
    try:
        ports.jobs.create(recovered)
    except StaleRecordError:
        # Another run made it first, or this one did and the answer was lost.
        return ports.jobs.load(recovered.id) or recovered
    return recovered


def _bought(job: Job, ports: RedeliverPorts) -> tuple[Attempt, StartOutcome]:
    """The newest attempt whose staged answer is a song or a task, and what that answer means."""
    refusal: str | None = None
    for attempt in may_have_a_song(job):
        outcome = understood_answer(job, attempt, ports.answers, ports.providers)
        if outcome is not None and not isinstance(outcome, Refused):
            return attempt, outcome
        if outcome is not None:
            refusal = refusal or outcome.failure.message
    found = (
        f"the provider's answer is no song ({refusal})" if refusal else "no answer of a provider is staged (any more)"
    )
    raise AlreadyFinishedError(f"the job is {job.status} and {found}; there is nothing to redeliver")
