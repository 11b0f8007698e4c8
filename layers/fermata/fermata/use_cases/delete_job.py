"""Forget what a finished job was about. What was bought, and who charged for it, stays on record for a while."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fermata.domain.references import object_key
from fermata.errors import NotFinishedError, StaleRecordError, TransientError
from fermata.ports import AnswerStore, JobStore, ReferenceStore, TrackStore, WebhookDeliveries
from fermata.use_cases.read_jobs import find_job_or_tombstone

_READS: Final = 5


@dataclass(frozen=True)
class DeletePorts:
    """What `delete_job` works with."""

    jobs: JobStore
    answers: AnswerStore
    tracks: TrackStore
    references: ReferenceStore
    deliveries: WebhookDeliveries


def delete_job(job_id: str, tenant_id: str, ports: DeletePorts, now: datetime) -> None:
    """Delete the job's songs, staged answers, copy of a reference, deliveries and words; deleting a deleted one looks
    for files once more.

    Raises `NotFoundError`, `NotFinishedError` while the job is open, and `TransientError`. Whatever it raises, running
    it again finishes.
    """
    for _ in range(_READS):
        job = find_job_or_tombstone(job_id, tenant_id, ports.jobs)
        if not job.status.is_terminal:
            raise NotFinishedError(f"the job is {job.status}; cancel it while it is queued, or delete it once it ended")
        # The files go first: as long as the record stands, its owner can ask again.
        ports.tracks.forget(job_id)
        ports.answers.forget(job_id)
        ports.references.forget(object_key(tenant_id, job_id))
        ports.deliveries.forget(job_id)
        if job.deleted_at is not None:
            return
        try:
            ports.jobs.forget(job.forgotten(now))
        except StaleRecordError:
            continue
        return
    raise TransientError(f"{job_id} changed {_READS} times while it was to be deleted; try again")
