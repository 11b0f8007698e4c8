"""Fetch paid songs that an ended job lacks into staging. This module polls and downloads, and cannot order. It may run
again, and beside another run.
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
    """The outcome of a run; the state machine ends after each of them."""

    FETCHED = "fetched"
    """Every due song was polled for or fetched once; the results are on record."""
    NOTHING_LEFT = "nothing_left"
    """No song is left to fetch, or another run fetches it."""
    NO_SLOT = "no_slot"
    """The limit of concurrent rescues is reached; the job is postponed."""
    DELETED = "deleted"
    """The job was deleted, and its staged files are gone."""


def rescue_audio(job_id: str, ports: RescuePorts) -> RescueOutcome:
    """Try once to fetch every paid song that an ended job lacks, and record when to try again.

    Raises `StaleRecordError` if other runs keep writing the job, and `TransientError` if one of our stores fails: the
    reaper starts another run once this one's lease has expired.
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
        # A slot that cannot be freed is free once its lease has expired.
        with suppress(TransientError):
            ports.slots.give_back(slot, lease.holder)


def _fetch_all(job: Job, lease: RescueLease, ports: RescuePorts) -> RescueOutcome:
    now = ports.clock()
    mine = leased(job, lease, ports.policy, now)
    try:
        ports.jobs.save(mine)
    except StaleRecordError:
        # Another run wrote first, or the job was deleted or redelivered: that write says when to try again.
        return RescueOutcome.NOTHING_LEFT
    return _record(mine, play_round(mine, fetchable(job, ports.policy, now), ports), ports)


# ---- recording


def _record(job: Job, brought: Round, ports: RescuePorts) -> RescueOutcome:
    """Record a run's results on the current record; a job that was deleted meanwhile keeps nothing."""
    saved = _saved(job, brought, ports)
    if saved is None:
        ports.answers().forget(job.id)
        return RescueOutcome.DELETED
    before, after = saved
    _delete_orphans(after, brought, ports)
    _report(before, after, brought, ports)
    return RescueOutcome.FETCHED


def _saved(job: Job, brought: Round, ports: RescuePorts) -> tuple[Job, Job] | None:
    """The job before and after a run's results, or None if it was deleted. Raises `StaleRecordError` if other runs keep
    writing it.
    """

    def save(current: Job | None) -> tuple[Job, Job] | None:
        if current is None or current.deleted_at is not None:
            return None
        changed = after_round(current, brought, ports.policy, ports.clock())
        ports.jobs.save(changed)
        return current, changed

    given_up = StaleRecordError("the job's record kept changing while its rescue was recorded")
    return retry_on_stale(save, lambda: ports.jobs.load(job.id), known=job, given_up=given_up)


def _delete_orphans(job: Job, brought: Round, ports: RescuePorts) -> None:
    """Delete the fetched files whose owner was deleted meanwhile. The files of a redelivered attempt belong to its
    first job. A later deletion of that job finds them and deletes them itself.
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
    """Delete the files that a killed run may have stored for a job that was deleted meanwhile."""
    ports.answers().forget(job.id)
    with suppress(StaleRecordError):
        ports.jobs.save(cleaned(job))
    return RescueOutcome.DELETED
