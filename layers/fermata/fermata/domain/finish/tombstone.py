"""The record of a deleted job: its end, ids and charges, so that nothing is bought for it again."""

from datetime import datetime, timedelta
from typing import Final

from fermata.domain.jobs.job import Job
from fermata.domain.jobs.rescue_record import next_look
from fermata.domain.orders.order_request import SongRequest

TOMBSTONE_KEPT_FOR: Final = timedelta(days=14)
"""How long a tombstone is kept: the period in which Step Functions permits a redrive of an ended execution."""

ERASED_WITHIN: Final = timedelta(seconds=60)
"""How long the run that deletes a job may take for its files, before the reaper deletes the rest."""

SWEPT_AGAIN_AFTER: Final = timedelta(minutes=20)
"""When the reaper deletes a live song's files once more: no run that published pieces at the deletion is alive then,
because Lambda ends every run after 15 minutes.
"""


def tombstone_of(job: Job, now: datetime) -> Job:
    """An ended job without its texts and songs. Its files are still to be deleted."""
    rescue = job.rescue.forgotten(now) if job.rescue is not None else None
    erasing_until = now + ERASED_WITHIN
    return job.model_copy(
        update={
            "rescue": rescue,
            "check_at": job.check_at if job.publish_pending else next_look(rescue, erasing_until),
            "request": SongRequest(model=job.request.model),
            "candidates": tuple(each.with_ids(None) if each.ids else each for each in job.candidates),
            "attempts": tuple(attempt.forgotten() for attempt in job.attempts),
            "tracks": (),
            "sounds": (),
            "missing": (),
            "spent_before_deletion": job.spent_credits,
            "reference": None,
            "refusal": None,
            "failure": job.failure.model_copy(update={"message": "deleted"}) if job.failure else None,
            "deleted_at": now,
            "erasing_until": erasing_until,
            "version": job.version + 1,
        }
    )


def erased(tombstone: Job, now: datetime) -> Job:
    """A tombstone after its job's files were deleted at `now`. Of a live song they are deleted once more later, because
    pieces are written beside the purchase, perhaps after the deletion.
    """
    again_at = _swept_again_at(tombstone, now)
    check_at = tombstone.check_at if tombstone.publish_pending else next_look(tombstone.rescue, again_at)
    changes = {"erasing_until": again_at, "check_at": check_at, "version": tombstone.version + 1, "to_book": None}
    return tombstone.model_copy(update=changes)


def _swept_again_at(tombstone: Job, now: datetime) -> datetime | None:
    if tombstone.deleted_at is None or not any(candidate.live for candidate in tombstone.candidates):
        return None
    again_at = tombstone.deleted_at + SWEPT_AGAIN_AFTER
    return again_at if now < again_at else None
