"""What is done for a job that nobody seems to move: a pure decision from its record and its execution."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from fermata.domain.finish.rescue import RescuePolicy
from fermata.domain.finish.settlement import is_overdue
from fermata.domain.jobs.job import Job


class Execution(StrEnum):
    """What the state machine says of a job's execution; one that is absent was never started, or is forgotten."""

    RUNNING = "running"
    ENDED = "ended"
    ABSENT = "absent"


@dataclass(frozen=True)
class Patience:
    """How long a job is left alone, in seconds: while its execution runs, and between two looks that miss it."""

    idle_s: int
    absent_gap_s: int


@dataclass(frozen=True)
class Start:
    """Start the execution, and look again at `then`."""

    then: datetime


@dataclass(frozen=True)
class Settle:
    """Settle the job, which also tells of its end; `stopped_by` is the error to put on record where the
    machine was stopped.
    """

    stopped_by: str | None


@dataclass(frozen=True)
class StartRescue:
    """Start a run that fetches what was paid for and not delivered."""


@dataclass(frozen=True)
class LookAgain:
    """Do nothing before `at`; `absent_since` is when the execution was first missed."""

    at: datetime
    absent_since: datetime | None = None


def is_due(job: Job, now: datetime) -> bool:
    """Whether it is time to look after a job; what says so first may be a little old."""
    return job.check_at is not None and job.check_at <= now


def looked_after(job: Job, first_check_s: int) -> Job:
    """A new job with the instant at which somebody first looks whether it was started."""
    at = job.created_at + timedelta(seconds=first_check_s)
    return job.model_copy(update={"check_at": _until_the_deadline(job, at)})


def care_for(job: Job, execution: Execution, patience: Patience, now: datetime) -> Start | Settle | LookAgain:
    """What to do for a job that is due. A finished one counts as one whose execution has ended.

    A queued job may be started as long as it may be ordered: a second start under its name changes nothing. Any other
    one is settled once its execution has ended, or was missed twice; one that is overdue in any case.
    """
    if is_overdue(job, now):
        return Settle(None)
    match execution:
        case Execution.RUNNING:
            return LookAgain(_until_the_deadline(job, now + timedelta(seconds=patience.idle_s)))
        case Execution.ENDED:
            return Settle("Execution.ENDED")
        case Execution.ABSENT if job.may_claim(now):
            return Start(_until_the_deadline(job, now + timedelta(seconds=patience.absent_gap_s)))
        case Execution.ABSENT:
            return _missed(job, patience, now)


def care_for_the_songs_of(job: Job, policy: RescuePolicy, now: datetime) -> StartRescue | LookAgain:
    """What to do for an ended job that is due, and whose end everybody was told of."""
    first_at = policy.first_at(job)
    begins = job.rescue is None or job.rescue.starts == 0
    return LookAgain(first_at) if begins and now < first_at and job.deleted_at is None else StartRescue()


def _until_the_deadline(job: Job, at: datetime) -> datetime:
    return at if job.request.finish_by is None else min(at, job.request.finish_by)


def _missed(job: Job, patience: Patience, now: datetime) -> Settle | LookAgain:
    since = job.absent_since or now
    again = since + timedelta(seconds=patience.absent_gap_s)
    return Settle("Execution.ABSENT") if again <= now else LookAgain(_until_the_deadline(job, again), since)
