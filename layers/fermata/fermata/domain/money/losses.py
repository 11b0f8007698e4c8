"""Costs of a job that its customer did not pay, and whether the customer caused its end."""

from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import Charged, JobStatus


def lost_attempts(job: Job) -> tuple[Attempt, ...]:
    """The attempts of an ended job that the provider charged or may have charged and the customer did not pay; empty
    for an open job.
    """
    if not job.status.is_terminal:
        return ()
    mine = job.attempts[:-1] if job.charged is Charged.YES else job.attempts
    return tuple(each for each in mine if each.may_be_billed and each.number not in job.paid_unknown)


def is_ended_by_caller(job: Job) -> bool:
    """Whether the caller ended a job before a purchase: by a cancel, a `finish_by` that left no time, or an unusable
    reference. What the operator canceled is not the caller's doing.
    """
    by_caller = job.status in (JobStatus.CANCELED, JobStatus.EXPIRED) and not job.canceled_by_operator
    unusable = job.status is JobStatus.FAILED and job.refusal is not None
    return (by_caller or unusable) and not lost_attempts(job)


def newly_unknown(job: Job, before: Job) -> tuple[Attempt, ...]:
    """The attempts whose charge has become unknown since an earlier version of a job."""
    known = {attempt.number for attempt in before.attempts if attempt.has_unknown_outcome}
    return tuple(each for each in job.attempts if each.has_unknown_outcome and each.number not in known)
