"""What a job cost without being paid for, and whose doing that was."""

from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import Charged, JobStatus


def lost_attempts(job: Job) -> tuple[Attempt, ...]:
    """The attempts of an ended job that a provider was or may have been paid for, and the customer did not pay; none
    while it is open.
    """
    if not job.status.is_terminal:
        return ()
    mine = job.attempts[:-1] if job.charged is Charged.YES else job.attempts
    return tuple(each for each in mine if each.may_be_billed and each.number not in job.paid_unknown)


def is_ended_by_caller(job: Job) -> bool:
    """Whether a job ended before anything was bought, and by its caller's own doing: a cancel, a `finish_by` that left
    no time, or a reference that cannot be used.
    """
    by_caller = job.status in (JobStatus.CANCELED, JobStatus.EXPIRED)
    unusable = job.status is JobStatus.FAILED and job.refusal is not None
    return (by_caller or unusable) and not lost_attempts(job)


def newly_in_doubt(job: Job, before: Job) -> tuple[Attempt, ...]:
    """The attempts that have come to be in doubt since an earlier version of a job."""
    known = {attempt.number for attempt in before.attempts if attempt.is_in_doubt}
    return tuple(each for each in job.attempts if each.is_in_doubt and each.number not in known)
