"""Cancel a job before its song is ordered."""

from datetime import datetime

from fermata.domain.jobs.job import Job
from fermata.errors import AlreadyFinishedError, AlreadyOrderedError, TransientError
from fermata.ports.jobs import JobStore
from fermata.use_cases.orders.read_jobs import find_job
from fermata.use_cases.stale import READS, retry_on_stale


def cancel_job(job_id: str, tenant_id: str, jobs: JobStore, now: datetime, *, by_operator: bool = False) -> Job:
    """The tenant's job, canceled and refunded in full. Its execution ends at its next step. A job that the operator
    cancels does not count in the tenant's limit of unpaid jobs.

    Raises `NotFoundError`, `AlreadyOrderedError` once a run has claimed it, `AlreadyFinishedError`, or `TransientError`
    if other runs keep writing the job.
    """
    ours: Job | None = None

    def cancel(job: Job) -> Job:
        nonlocal ours
        if job == ours:
            # Our write succeeded although its answer was lost and the client repeated it.
            return job
        _refuse_if_too_late(job)
        ours = job.canceled(now, by_operator=by_operator)
        jobs.settle(ours)
        return ours

    given_up = TransientError(f"{job_id} changed {READS} times while it was canceled; try again")
    return retry_on_stale(cancel, lambda: find_job(job_id, tenant_id, jobs), given_up=given_up)


def _refuse_if_too_late(job: Job) -> None:
    if job.status.is_terminal:
        raise AlreadyFinishedError(f"the job is {job.status}, which is final; only a queued job can be canceled")
    if not job.may_cancel:
        raise AlreadyOrderedError(
            f"the job is {job.status}: its audio is ordered and will be delivered; only a queued job can be canceled"
        )
