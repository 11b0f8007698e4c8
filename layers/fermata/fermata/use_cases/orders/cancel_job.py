"""Take an order back while nothing is bought."""

from datetime import datetime
from typing import Final

from fermata.domain.jobs.job import Job
from fermata.errors import AlreadyFinishedError, AlreadyOrderedError, StaleRecordError, TransientError
from fermata.ports.jobs import JobStore
from fermata.use_cases.orders.read_jobs import find_job

_READS: Final = 5


def cancel_job(job_id: str, tenant_id: str, jobs: JobStore, now: datetime) -> Job:
    """The tenant's job, canceled and refunded in full. Its execution notices at its next step.

    Raises `NotFoundError`, `AlreadyOrderedError` once a claim stands, `AlreadyFinishedError`, or `TransientError` where
    others keep writing the job.
    """
    ours: Job | None = None
    for _ in range(_READS):
        job = find_job(job_id, tenant_id, jobs)
        if job == ours:
            # Our write was applied although its answer was lost and the client sent it again.
            return job
        _refuse_if_too_late(job)
        ours = job.canceled(now)
        try:
            jobs.settle(ours)
        except StaleRecordError:
            continue
        return ours
    raise TransientError(f"{job_id} changed {_READS} times while it was to be canceled; try again")


def _refuse_if_too_late(job: Job) -> None:
    if job.status.is_terminal:
        raise AlreadyFinishedError(f"the job is {job.status}, which is final; only a queued job can be canceled")
    if not job.may_cancel:
        raise AlreadyOrderedError(
            f"the job is {job.status}: its song is ordered and will be delivered; only a queued job can be canceled"
        )
