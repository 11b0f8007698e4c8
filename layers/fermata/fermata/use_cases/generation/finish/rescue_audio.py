"""Fetch songs that were paid for and whose jobs have ended without them, until their bytes lie in staging. It asks and
fetches, and has no way to order. Safe to run again, and beside another run.
"""

from contextlib import suppress
from datetime import timedelta
from enum import StrEnum
from typing import Final

from fermata.domain.finish.rescue import (
    NO_SLOT_PAUSE,
    Round,
    after_round,
    cleaned,
    fetchable,
    is_waiting,
    leased,
    recoverables,
)
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.rescue_record import RescueLease
from fermata.errors import StaleRecordError, TransientError
from fermata.use_cases.generation.finish.rescue_round import RescuePorts, log_rescue, play_round
from fermata.use_cases.stale import retry_on_stale

LEASE_MARGIN_S: Final = 30
"""Seconds that a run's lease outlives the run, because clocks differ."""


class RescueOutcome(StrEnum):
    """What a run did; the state machine ends after each of them."""

    FETCHED = "fetched"
    """Everything that was due was asked for or fetched once; the record says what came of it."""
    NOTHING_LEFT = "nothing_left"
    """Nothing is to be fetched (any more), or another run does it."""
    NO_SLOT = "no_slot"
    """As many rescues run as may; the job is put off."""
    DELETED = "deleted"
    """The job was deleted, and whatever was kept for it is gone."""


def rescue_audio(job_id: str, ports: RescuePorts) -> RescueOutcome:
    """Look once after every song of an ended job that was paid for and is still missing, and note when to look again.

    Raises `StaleRecordError` where others keep writing the job, and `TransientError` where a store of ours has trouble:
    the reaper starts another run after this one's lease.
    """
    job, now = ports.jobs.load(job_id), ports.clock()
    if job is None or not is_waiting(job, now):
        return RescueOutcome.NOTHING_LEFT
    if job.deleted_at is not None:
        return _clean(job, ports)
    if not fetchable(job, ports.policy, now):
        _record(job, Round(), ports)
        return RescueOutcome.NOTHING_LEFT
    lease = RescueLease(holder=ports.holder(), until=now + timedelta(seconds=ports.remaining_s() + LEASE_MARGIN_S))
    slot = ports.slots.take(lease.holder, lease.until, now)
    if slot is None:
        ports.due.put_off(job, now + NO_SLOT_PAUSE, None)
        return RescueOutcome.NO_SLOT
    try:
        return _fetch_all(job, lease, ports)
    finally:
        # A slot that cannot be freed is free once its lease has run out.
        with suppress(TransientError):
            ports.slots.give_back(slot, lease.holder)


def _fetch_all(job: Job, lease: RescueLease, ports: RescuePorts) -> RescueOutcome:
    now = ports.clock()
    mine = leased(job, lease, ports.policy, now)
    try:
        ports.jobs.save(mine)
    except StaleRecordError:
        # Another run was faster, or the job was deleted or redelivered: whoever wrote says when to look again.
        return RescueOutcome.NOTHING_LEFT
    return _record(mine, play_round(mine, fetchable(job, ports.policy, now), ports), ports)


# ---- putting on record


def _record(job: Job, brought: Round, ports: RescuePorts) -> RescueOutcome:
    """Note what a run brought, on whatever the record says by now; a job that was deleted meanwhile keeps nothing."""
    saved = _saved(job, brought, ports)
    if saved is None:
        ports.answers().forget(job.id)
        return RescueOutcome.DELETED
    before, after = saved
    _look_for_deleted_owners(after, brought, ports)
    _report(before, after, brought, ports)
    return RescueOutcome.FETCHED


def _saved(job: Job, brought: Round, ports: RescuePorts) -> tuple[Job, Job] | None:
    """The job as it stood before, and with what a run brought, or None where it was deleted; raises `StaleRecordError`
    where others keep writing it.
    """

    def save(current: Job | None) -> tuple[Job, Job] | None:
        if current is None or current.deleted_at is not None:
            return None
        changed = after_round(current, brought, ports.policy, ports.clock())
        ports.jobs.save(changed)
        return current, changed

    given_up = StaleRecordError("the job's record kept changing while its rescue was to be noted")
    return retry_on_stale(save, lambda: ports.jobs.load(job.id), known=job, given_up=given_up)


def _look_for_deleted_owners(job: Job, brought: Round, ports: RescuePorts) -> None:
    """An attempt that was carried over keeps its files with those of its first job, which may be deleted any moment. A
    deletion that has not begun by now deletes what this run kept.
    """
    numbers = {song.attempt for song in brought.songs}
    owners = {each.staging_of(job.id).job_id for each in job.attempts if each.number in numbers} - {job.id}
    for owner_id in owners:
        owner = ports.jobs.load(owner_id)
        if owner is None or owner.deleted_at is not None:
            ports.answers().forget(owner_id)


def _report(before: Job, after: Job, brought: Round, ports: RescuePorts) -> None:
    for attempt in after.attempts:
        ordered = after.candidates[attempt.candidate].songs
        for _ in brought.kept.get(attempt.number, ()):
            ports.metrics.count("RecoverableSongs", attempt.provider)
            ports.metrics.usd("RecoverableUsd", attempt.provider, attempt.cost_micro_usd // ordered)
    given_up = {*(after.rescue.over if after.rescue else ())} - {*(before.rescue.over if before.rescue else ())}
    for found in recoverables(before):
        if found.attempt.number in given_up:
            log_rescue("the rescue of a paid song is given up", found.attempt, kept=[*found.attempt.kept])
            if found.attempt.number not in brought.refused:
                ports.metrics.count("RescuesGivenUp", found.attempt.provider)


def _clean(job: Job, ports: RescuePorts) -> RescueOutcome:
    """Delete once more what a run that was killed may have kept for a job that was deleted meanwhile."""
    ports.answers().forget(job.id)
    with suppress(StaleRecordError):
        ports.jobs.save(cleaned(job))
    return RescueOutcome.DELETED
