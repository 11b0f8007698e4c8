"""The next step for a job without progress: a pure decision from its record and its execution."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from fermata.domain.finish.rescue import RescuePolicy
from fermata.domain.finish.settlement import is_overdue
from fermata.domain.jobs.job import Job


class Execution(StrEnum):
    """The state of a job's execution; an absent one was never started, or Step Functions has deleted it."""

    RUNNING = "running"
    ENDED = "ended"
    ABSENT = "absent"


@dataclass(frozen=True)
class Patience:
    """Pauses between two checks of a job in seconds: while its execution runs, and while it is absent."""

    idle_s: int
    absent_gap_s: int


@dataclass(frozen=True)
class Start:
    """Start the execution, and check again at `then`."""

    then: datetime


@dataclass(frozen=True)
class Settle:
    """Settle the job, which also publishes its end; `stopped_by` is the error to record if the machine was stopped."""

    stopped_by: str | None


@dataclass(frozen=True)
class StartRescue:
    """Start a run that fetches paid songs that were not delivered."""


@dataclass(frozen=True)
class LookAgain:
    """Do nothing before `at`; `absent_since` is when the execution was first found absent."""

    at: datetime
    absent_since: datetime | None = None


def is_due(job: Job, now: datetime) -> bool:
    """Whether a job is due for a check, by its record; the index of due jobs may be a moment old."""
    return job.check_at is not None and job.check_at <= now


def looked_after(job: Job, first_check_s: int) -> Job:
    """A new job with the instant of the first check whether it was started."""
    at = job.created_at + timedelta(seconds=first_check_s)
    return job.model_copy(update={"check_at": _until_the_deadline(job, at)})


def care_for(job: Job, execution: Execution, patience: Patience, now: datetime) -> Start | Settle | LookAgain:
    """The next step for a due job. Pass an ended execution for a finished job.

    A queued job may be started as long as it may be ordered, and one that was replayed after a restore at any time,
    because it orders nothing: a second start under its name changes nothing. Any other job is settled once its
    execution has ended or was absent twice; an overdue job is settled in any case.
    """
    if is_overdue(job, now):
        return Settle(None)
    match execution:
        case Execution.RUNNING:
            return LookAgain(_until_the_deadline(job, now + timedelta(seconds=patience.idle_s)))
        case Execution.ENDED:
            return Settle("Execution.ENDED")
        case Execution.ABSENT if job.may_claim(now) or job.restored_at is not None:
            return Start(_until_the_deadline(job, now + timedelta(seconds=patience.absent_gap_s)))
        case Execution.ABSENT:
            return _missed(job, patience, now)


def care_for_the_songs_of(job: Job, policy: RescuePolicy, now: datetime) -> StartRescue | LookAgain:
    """The next step for an ended job that is due and whose end was published."""
    first_at = policy.first_at(job)
    begins = job.rescue is None or job.rescue.starts == 0
    return LookAgain(first_at) if begins and now < first_at and job.deleted_at is None else StartRescue()


def _until_the_deadline(job: Job, at: datetime) -> datetime:
    return at if job.request.finish_by is None else min(at, job.request.finish_by)


def _missed(job: Job, patience: Patience, now: datetime) -> Settle | LookAgain:
    since = job.absent_since or now
    again = since + timedelta(seconds=patience.absent_gap_s)
    return Settle("Execution.ABSENT") if again <= now else LookAgain(_until_the_deadline(job, again), since)
