"""A job that was open when its table was restored to an earlier state. What happened to it since is not on record, so
it is never ordered again: what its staged answers and stored songs show is recorded, and everything else is unknown.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from enum import StrEnum
from typing import Final

from fermata.domain.jobs.attempt import Attempt, AttemptState
from fermata.domain.jobs.claim import closed_as_unknown, next_attempt
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.orders.order_request import OnUnknown
from fermata.domain.providers.calls import Refused, StartOutcome
from fermata.domain.providers.failures import FailureClass, unknown_outcome, unpaid

CODE: Final = "table_restored"
"""The code of a failure that is only known from the restored table."""
_FOLLOWING: Final = {AttemptState.GENERATING: JobStatus.GENERATING, AttemptState.READY: JobStatus.STORING}


class Fate(StrEnum):
    """What becomes of a job that was open when its table was restored."""

    FINISHED = "finished"
    """Its paid song is in staging, stored, or known to the provider as a task: the job goes on from there."""
    REFUNDED = "refunded"
    """It ends refunded with the failure that its last answer shows."""
    UNKNOWN = "unknown_outcome"
    """It ends refunded; whether its song was ordered is unknown."""


def is_to_recover(job: Job, restored_at: datetime) -> bool:
    """Whether a job was open when its table was restored, and was not replayed since."""
    return not job.status.is_terminal and is_unreplayed(job, restored_at)


def is_unreplayed(job: Job, restored_at: datetime) -> bool:
    """Whether a job, or the version of it that is about to be written, is older than the restore and not replayed."""
    replayed_since = job.restored_at is not None and job.restored_at >= restored_at
    return job.created_at < restored_at and not replayed_since


def replayed(
    job: Job,
    staged: Collection[int],
    answer_to: Callable[[Attempt], StartOutcome | None],
    stored: Collection[int],
    restored_at: datetime,
    now: datetime,
) -> Job:
    """The next version of an open job after its table was restored at `restored_at`. It has every attempt that staging
    shows, never claims another one, and is `generating` or `storing` only where a song was surely bought.

    `staged` are the numbers of the attempts with a complete answer, and `answer_to` reads the answer of one. `stored`
    are the numbers of the songs whose stored files were copied to the staging of the last attempt.
    """
    attempts = _shown(job, staged, answer_to, restored_at, now)
    if stored:
        attempts = _with_stored(job, attempts, tuple(stored), restored_at, now)
    elif not attempts or attempts[-1].state in (AttemptState.CLAIMED, AttemptState.FAILED):
        attempts = _in_doubt(job, attempts, restored_at, now)
    changes = {
        "attempts": attempts,
        "status": _FOLLOWING.get(attempts[-1].state, JobStatus.SUBMITTING) if attempts else job.status,
        "restored_at": restored_at,
        "updated_at": now,
        "version": job.version + 1,
        "to_book": None,
    }
    return job.model_copy(update=changes)


def fate_of(job: Job) -> Fate:
    """What becomes of a replayed job."""
    last = job.last_attempt
    if last is not None and last.state in _FOLLOWING:
        return Fate.FINISHED
    return Fate.UNKNOWN if last is not None and last.has_unknown_outcome else Fate.REFUNDED


def number_of_staging(job: Job, staged: Collection[int]) -> int:
    """The attempt under whose number the stored songs of a job are copied to staging: its last known one."""
    return max(1, len(job.attempts), *staged)


def _shown(
    job: Job,
    staged: Collection[int],
    answer_to: Callable[[Attempt], StartOutcome | None],
    restored_at: datetime,
    now: datetime,
) -> tuple[Attempt, ...]:
    """The attempts on record and those whose answers are staged, each as its answer says."""
    last = job.last_attempt
    if last is not None and last.state is AttemptState.CLAIMED and last.number in staged:
        job = _with_attempts(job, (*job.attempts[:-1], _after_answer(last, answer_to, now)))
    for number in range(len(job.attempts) + 1, max(staged, default=0) + 1):
        # An attempt follows another only where that one has failed.
        failed = (*job.attempts[:-1], *(_superseded(job, each, now) for each in job.attempts[-1:]))
        job = _with_attempts(job, failed)
        unrecorded = _unrecorded(job, restored_at)
        found = _after_answer(unrecorded, answer_to, now) if number in staged else unrecorded
        job = _with_attempts(job, (*job.attempts, found))
    return job.attempts


def _after_answer(attempt: Attempt, answer_to: Callable[[Attempt], StartOutcome | None], now: datetime) -> Attempt:
    outcome = answer_to(attempt)
    return attempt if outcome is None else attempt.after(outcome, now)


def _in_doubt(job: Job, attempts: tuple[Attempt, ...], restored_at: datetime, now: datetime) -> tuple[Attempt, ...]:
    """The attempts, the last of unknown outcome unless the job has surely ended with the failure on record."""
    last = attempts[-1] if attempts else None
    if last is not None and last.state is AttemptState.CLAIMED:
        return (*attempts[:-1], closed_as_unknown(last, now))
    may_have_ordered = job.refusal is None and job.recovered_from is None
    if not may_have_ordered or job.terms.unordered_after(last) is None:
        return attempts
    message = "the table was restored to an earlier state; whether this was ordered after that is unknown"
    unknown = Refused(unknown_outcome(f"{message}; the credits were returned", code=CODE))
    return (*attempts, _unrecorded(_with_attempts(job, attempts), restored_at).after(unknown, now))


def _with_stored(
    job: Job, attempts: tuple[Attempt, ...], stored: tuple[int, ...], restored_at: datetime, now: datetime
) -> tuple[Attempt, ...]:
    """The attempts, the last one ready with its stored songs: only an attempt that was paid for stores any."""
    last = attempts[-1] if attempts else _unrecorded(job, restored_at)
    return (*attempts[:-1], last.with_kept(stored).found_kept(now))


def _superseded(job: Job, attempt: Attempt, now: datetime) -> Attempt:
    """An attempt whose end is not on record, and which another one followed. Unless the caller takes the risk of a
    second purchase, that says that it was not charged.
    """
    if attempt.state is AttemptState.FAILED:
        return attempt
    message = "its end is not on record, because the table was restored to an earlier state; another order followed it"
    if job.terms.on_unknown is OnUnknown.FALLBACK:
        return attempt.after(Refused(unknown_outcome(message, code=CODE)), now)
    return attempt.model_copy(update={"state": AttemptState.CLAIMED}).after(
        Refused(unpaid(FailureClass.TRANSIENT, CODE, message)), now
    )


def _unrecorded(job: Job, restored_at: datetime) -> Attempt:
    """The attempt that follows those of a job. It was ordered, if at all, after the last of them and before the table
    was restored.
    """
    last = job.last_attempt
    began = job.created_at if last is None else last.finished_at or last.started_at
    return next_attempt(job, "unknown", CODE, min(began, restored_at), restored_at)


def _with_attempts(job: Job, attempts: tuple[Attempt, ...]) -> Job:
    """A draft of the job whose turn follows these attempts."""
    return job.model_copy(update={"attempts": attempts, "status": JobStatus.QUEUED})
