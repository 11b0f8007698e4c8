"""Forget what a finished job was about. What was bought, and who charged for it, stays on record for a while.

The record goes first: from then on nobody is shown the job, so nobody is shown a link whose file is gone. The tombstone
says that files may be left, until they are not; a run that dies in between is followed by the reaper, or by the owner
who deletes once more.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fermata.domain.finish.tombstone import erased, tombstone_of
from fermata.domain.jobs.job import Job
from fermata.domain.orders.references import object_key
from fermata.errors import NotFinishedError, StaleRecordError, TransientError
from fermata.ports.audio import AnswerStore, ReferenceStore, TrackStore
from fermata.ports.jobs import JobStore
from fermata.ports.webhooks import WebhookDeliveries
from fermata.use_cases.generation.finish.resume_generation import load_job
from fermata.use_cases.orders.read_jobs import find_job_or_tombstone

_READS: Final = 5


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
    for _ in range(_READS):
        job = find_job_or_tombstone(job_id, tenant_id, jobs)
        if not job.status.is_terminal:
            raise NotFinishedError(f"the job is {job.status}; cancel it while it is queued, or delete it once it ended")
        if job.deleted_at is not None:
            return job
        tombstone = tombstone_of(job, now)
        try:
            jobs.forget(tombstone)
        except StaleRecordError:
            continue
        return tombstone
    raise TransientError(f"{job_id} changed {_READS} times while it was to be deleted; try again")


def _note_erased(tombstone: Job, jobs: JobStore) -> None:
    for _ in range(_READS):
        if tombstone.erasing_until is None:
            return
        try:
            jobs.save(erased(tombstone))
        except StaleRecordError:
            tombstone = load_job(tombstone.id, jobs)
        else:
            return
    raise TransientError(f"{tombstone.id} changed {_READS} times while its deletion was to be noted; try again")
