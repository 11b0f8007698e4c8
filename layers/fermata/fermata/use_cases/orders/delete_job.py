"""Forget what a finished job was about. What was bought, and who charged for it, stays on record for a while.

The record goes first: from then on nobody is shown the job, so nobody is shown a link whose file is gone. The tombstone
says that files may be left, until they are not; a run that dies in between is followed by the reaper, or by the owner
who deletes once more.
"""

from dataclasses import dataclass
from datetime import datetime

from fermata.domain.finish.tombstone import erased, tombstone_of
from fermata.domain.jobs.job import Job
from fermata.domain.orders.references import object_key
from fermata.errors import NotFinishedError, TransientError
from fermata.ports.audio import AnswerStore, ReferenceStore, TrackStore
from fermata.ports.jobs import JobStore
from fermata.ports.webhooks import WebhookDeliveries
from fermata.use_cases.orders.read_jobs import find_job_or_tombstone
from fermata.use_cases.stale import READS, retry_on_stale


@dataclass(frozen=True)
class DeletePorts:
    """What `delete_job` and `erase_files` work with."""

    jobs: JobStore
    answers: AnswerStore
    tracks: TrackStore
    references: ReferenceStore
    deliveries: WebhookDeliveries


def delete_job(job_id: str, tenant_id: str, ports: DeletePorts, now: datetime) -> None:
    """Delete the job's words, then its songs, staged answers, copies of a reference and deliveries; deleting a deleted
    one looks for files once more.

    Raises `NotFoundError`, `NotFinishedError` while the job is open, and `TransientError`. Whatever it raises, running
    it again finishes, and once the words are gone the reaper does.
    """
    erase_files(_tombstone(job_id, tenant_id, ports.jobs, now), ports)


def erase_files(tombstone: Job, ports: DeletePorts) -> None:
    """Delete whatever is left of a deleted job, and note that nothing is. Raises `TransientError` where some is."""
    ports.tracks.forget(tombstone.id)
    ports.answers.forget(tombstone.id)
    ports.references.forget(object_key(tombstone.tenant_id, tombstone.id))
    ports.deliveries.forget(tombstone.id)
    _note_erased(tombstone, ports.jobs)


def _tombstone(job_id: str, tenant_id: str, jobs: JobStore, now: datetime) -> Job:
    def bury(job: Job) -> Job:
        if not job.status.is_terminal:
            raise NotFinishedError(f"the job is {job.status}; cancel it while it is queued, or delete it once it ended")
        if job.deleted_at is not None:
            return job
        tombstone = tombstone_of(job, now)
        jobs.forget(tombstone)
        return tombstone

    given_up = TransientError(f"{job_id} changed {READS} times while it was to be deleted; try again")
    return retry_on_stale(bury, lambda: find_job_or_tombstone(job_id, tenant_id, jobs), given_up=given_up)


def _note_erased(tombstone: Job, jobs: JobStore) -> None:
    def note(current: Job) -> None:
        if current.erasing_until is not None:
            jobs.save(erased(current))

    job_id = tombstone.id
    given_up = TransientError(f"{job_id} changed {READS} times while its deletion was to be noted; try again")
    retry_on_stale(note, lambda: jobs.load_existing(job_id), known=tombstone, given_up=given_up)
