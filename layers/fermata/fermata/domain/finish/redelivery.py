"""A new job that delivers songs bought for an earlier job and never delivered."""

from datetime import datetime

from fermata.domain.jobs.attempt import Attempt, AttemptState, StagedAt
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.shares import ordered_numbers
from fermata.domain.jobs.status import JobStatus
from fermata.domain.orders.candidates import Candidate
from fermata.domain.orders.job_id import derived_job_id
from fermata.domain.providers.calls import AudioAt, StartOutcome, TaskStarted
from fermata.domain.providers.failures import ProviderCharged


def recovered_id(job: Job) -> str:
    """The id of the job that redelivers this one; derived from the job, so that it is created only once."""
    return derived_job_id(job.finished_at or job.created_at, f"redeliver {job.id}")


def missing_numbers(job: Job) -> tuple[int, ...]:
    """The positions of the ordered or made songs that a delivered job lacks; empty for a job that was not delivered."""
    if job.status is not JobStatus.SUCCEEDED:
        return ()
    lacking = {*paid_numbers(job), *(each.number for each in job.missing)}
    return tuple(sorted(lacking - {track.number for track in job.tracks}))


def paid_numbers(job: Job) -> tuple[int, ...]:
    """The positions of the songs that are paid for, among those that the provider makes."""
    return ordered_numbers(job.candidate.songs, job.last_attempt.wanted if job.last_attempt else ())


def recovered_job(job: Job, attempt: Attempt, outcome: StartOutcome | None, now: datetime) -> Job:
    """A job that begins with the result of an ended job's attempt: its songs, or its task. It orders nothing, has no
    deadline, and costs the customer the frozen price of the attempt's model. For a delivered job, which must lack a
    song, it fetches only the missing songs, at the unpaid rest of the price. Without an outcome it begins with the
    files that were fetched into staging.
    """
    wanted = missing_numbers(job)
    kept = kept_files(job, attempt) if outcome is None else ()
    where = StagedAt(job_id=job.id, attempt=attempt.number)
    # The customer has no song of a job that was not delivered.
    delivered = {track.number: track.provider_sha256 for track in job.tracks} if wanted else {}
    carried = attempt.carried_over(where, now, wanted, kept, delivered)
    begun = Job(
        id=recovered_id(job),
        tenant_id=job.tenant_id,
        request=job.request.model_copy(update={"finish_by": None}),
        candidates=(_rest_of(job, wanted) if wanted else job.candidates[attempt.candidate],),
        status=JobStatus.SUBMITTING,
        created_at=now,
        updated_at=now,
        start_by=now,
        attempts=(carried,),
        recovered_from=job.id,
    )
    ready = carried.found_kept(now) if outcome is None else carried.after(outcome, now)
    return begun.with_outcome(ready, now).model_copy(update={"version": 1})


def kept_files(job: Job, attempt: Attempt) -> tuple[int, ...]:
    """The numbers of an attempt's undelivered songs whose files are in staging. A file that no meter accepted counts
    once its rescue is over: a newer meter may accept it.
    """
    found, wanted = {*attempt.kept}, missing_numbers(job)
    if job.rescue is not None and attempt.number in job.rescue.over:
        found |= {song.number for song in job.rescue.songs if song.attempt == attempt.number and song.is_odd}
        found |= {*attempt.odd_numbers}
    return tuple(sorted(number for number in found if not wanted or number in wanted))


def on_record(attempt: Attempt) -> StartOutcome | None:
    """The recorded task or links of an attempt; None without either, or if the attempt certainly cost nothing."""
    if attempt.provider_charged is ProviderCharged.NO:
        return None
    if attempt.upstream_id is not None:
        return TaskStarted(attempt.upstream_id)
    audio = attempt.audio
    if audio is None or not audio.links:
        return None
    return AudioAt(audio.links[0], audio.links[1:], audio.without_link)


def may_have_a_song(job: Job) -> list[Attempt]:
    """The attempts of an ended job whose answer may contain or link a song, newest first; for a delivered job, only the
    attempt that delivered.
    """
    if job.status is JobStatus.SUCCEEDED:
        return list(job.attempts[-1:])
    return [each for each in reversed(job.attempts) if each.state in (AttemptState.READY, AttemptState.FAILED)]


def _rest_of(job: Job, wanted: tuple[int, ...]) -> Candidate:
    """The delivering model at the unpaid rest of its price, for the ordered songs among `wanted`. The rest is 0 if only
    songs beyond the order are missing.
    """
    still_ordered = len(set(wanted) & set(paid_numbers(job)))
    rest = {"price_credits": job.price_credits - job.song_credits, "songs": max(1, still_ordered)}
    return job.candidate.model_copy(update=rest)
