"""Delete the content of a finished job. The purchases and charges stay on record for a while.

A tombstone replaces the record first: no reader sees the job from then on, so none gets a link whose file is gone. The
tombstone says that files may be left until all are deleted. If a run is killed in between, the reaper finishes, or the
owner's next deletion.
"""

from dataclasses import dataclass
from datetime import datetime

from fermata.domain.finish.tombstone import erased, tombstone_of
from fermata.domain.jobs.job import Job
from fermata.domain.orders.references import object_key
from fermata.errors import NotFinishedError, TransientError
from fermata.ports.audio import AnswerStore, OriginalStore, ReferenceStore, TrackStore
from fermata.ports.jobs import JobStore
from fermata.ports.live import LivePieces, LiveStreams
from fermata.ports.webhooks import WebhookDeliveries
from fermata.use_cases.live.publish_pieces import forget_live
from fermata.use_cases.orders.read_jobs import find_job_or_tombstone
from fermata.use_cases.stale import READS, retry_on_stale


@dataclass(frozen=True)
class DeletePorts:
    """Ports of `delete_job` and `erase_files`."""

    jobs: JobStore
    answers: AnswerStore
    tracks: TrackStore
    originals: OriginalStore
    references: ReferenceStore
    deliveries: WebhookDeliveries
    live_pieces: LivePieces
    live_streams: LiveStreams


def delete_job(job_id: str, tenant_id: str, ports: DeletePorts, now: datetime) -> None:
    """Delete the job's texts, then its songs, restored files, staged answers, copies of a reference, deliveries and
    live pieces. Deleting a deleted job looks for its files again.

    Raises `NotFoundError`, `NotFinishedError` while the job is open, and `TransientError`. Running it again finishes
    the deletion; once the texts are deleted, the reaper also does.
    """
    erase_files(_tombstone(job_id, tenant_id, ports.jobs, now), ports, now)


def erase_files(tombstone: Job, ports: DeletePorts, now: datetime) -> None:
    """Delete the remaining files of a deleted job, and record that none is left, or when they are deleted once more.
    Raises `TransientError` if any is left.
    """
    ports.tracks.forget(tombstone.id)
    ports.originals.forget(tombstone.id)
    ports.answers.forget(tombstone.id)
    ports.references.forget(object_key(tombstone.tenant_id, tombstone.id))
    ports.deliveries.forget(tombstone.id)
    forget_live(tombstone.id, ports.live_pieces, ports.live_streams)
    _note_erased(tombstone, ports.jobs, now)


def _tombstone(job_id: str, tenant_id: str, jobs: JobStore, now: datetime) -> Job:
    def bury(job: Job) -> Job:
        if not job.status.is_terminal:
            raise NotFinishedError(f"the job is {job.status}; cancel it while it is queued, or delete it once it ended")
        if job.deleted_at is not None:
            return job
        tombstone = tombstone_of(job, now)
        jobs.forget(tombstone)
        return tombstone

    given_up = TransientError(f"{job_id} changed {READS} times while it was deleted; try again")
    return retry_on_stale(bury, lambda: find_job_or_tombstone(job_id, tenant_id, jobs), given_up=given_up)


def _note_erased(tombstone: Job, jobs: JobStore, now: datetime) -> None:
    def note(current: Job) -> None:
        after = erased(current, now)
        if after.erasing_until != current.erasing_until:
            jobs.save(after)

    job_id = tombstone.id
    given_up = TransientError(f"{job_id} changed {READS} times while its deletion was recorded; try again")
    retry_on_stale(note, lambda: jobs.load_existing(job_id), known=tombstone, given_up=given_up)
