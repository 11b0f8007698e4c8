"""Notes in a ledger: what became known of a job after its end. They move no credits."""

from datetime import datetime

from fermata.domain.jobs.job import Job
from fermata.domain.money.movement import EntryKind, LedgerEntry


def note_on(job: Job, attempt: int, text: str, now: datetime, refunded_micro_usd: int = 0) -> LedgerEntry:
    """A note on an attempt after its job's end; its id is unique per attempt and refunded amount."""
    refund = f"-{refunded_micro_usd}" if refunded_micro_usd else ""
    return LedgerEntry(
        entry_id=f"{job.id.removeprefix('job_')}-4-{EntryKind.NOTE}-{attempt}{refund}",
        kind=EntryKind.NOTE,
        credits=0,
        at=now,
        job_id=job.id,
        attempt=attempt,
        text=text,
        key_id=job.api_key_id,
    )
