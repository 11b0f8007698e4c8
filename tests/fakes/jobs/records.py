"""Job records as stores come to hold them."""

from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.ports.jobs import JobStore
from tests.songs import queued_job


def advanced_to(job: Job, store: JobStore) -> Job:
    """Store `job` as if it had gone through all of its versions, and give back what is stored."""
    current = queued_job(job.candidate.provider)
    store.create(current)
    for version in range(2, job.version + 1):
        attempts = job.attempts[: max(1, len(job.attempts) - (job.version - version))]
        current = job.model_copy(update={"version": version, "attempts": attempts})
        if version < job.version and job.status.is_terminal:
            current = current.model_copy(update={"status": JobStatus.STORING, "finished_at": None})
        (store.settle if current.status.is_terminal else store.save)(current)
    return current
