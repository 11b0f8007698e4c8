"""Rescue of paid songs that were not delivered: which can still be fetched, when, and for how long. Pure.

The operator has paid for such a song even if its job has ended. While a provider keeps its results, the songs of an
ended job are fetched at growing pauses; nothing is ever ordered.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from fermata.domain.audio.container import MAX_AUDIO_BYTES
from fermata.domain.finish.redelivery import missing_numbers
from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.rescue_record import FetchedSong, Rescue, RescueLease
from fermata.domain.jobs.songs import Audio, AudioSource
from fermata.domain.jobs.status import JobStatus
from fermata.domain.providers.failures import FailureClass, ProviderCharged

MOST_FETCHES: Final = 30
"""Most fetches of one song after its job's end."""
MOST_BYTES: Final = 2 * MAX_AUDIO_BYTES
"""Most bytes that are received for one song after its job's end: twice the largest file."""
MOST_SAME_FILES: Final = 6
"""Most consecutive fetches of one song that bring the same unusable file: about an hour."""
FIRST_PAUSE_S: Final = 60
LAST_TRY_S: Final = 300
"""The last fetch comes at most this many seconds before the end of a result's life."""
STARTS_WITHIN: Final = timedelta(seconds=60)
"""Time for a started run to write its lease, before another run is started."""
NO_SLOT_PAUSE: Final = timedelta(seconds=60)
KEPT_FOR: Final = timedelta(days=30)
"""How long the bucket keeps staged files."""

_LONGEST_EXPONENT: Final = 20
_SHOWN: Final = frozenset({JobStatus.FAILED, JobStatus.EXPIRED, JobStatus.SUCCEEDED})


@dataclass(frozen=True)
class RescuePolicy:
    """The bounds of a rescue: a result's life and the longest pause between two runs, both in seconds, and the most
    bytes that are received for one song.
    """

    result_life_s: int
    longest_pause_s: int
    most_bytes: int = MOST_BYTES

    def ends_at(self, attempt: Attempt) -> datetime:
        """When the provider has certainly deleted an attempt's result."""
        return attempt.result_from + timedelta(seconds=self.result_life_s)

    def last_try_at(self, attempt: Attempt) -> datetime:
        """When an attempt's songs are fetched for the last time, whatever `Retry-After` says."""
        return self.ends_at(attempt) - timedelta(seconds=min(LAST_TRY_S, self.result_life_s // 10))

    def first_at(self, job: Job) -> datetime:
        """When the first run for an ended job begins."""
        return (job.finished_at or job.updated_at) + timedelta(seconds=min(FIRST_PAUSE_S, self.longest_pause_s))

    def pause_s(self, rounds: int, asked_s: int | None) -> int:
        """Seconds from one run to the next; `asked_s` of a provider or a host may lengthen them."""
        growing = FIRST_PAUSE_S * 2 ** min(rounds, _LONGEST_EXPONENT)
        return int(max(min(growing, self.longest_pause_s), asked_s or 0))

    def may_fetch(self, song: FetchedSong) -> bool:
        """Whether a song may be fetched once more."""
        is_new = song.same_files < MOST_SAME_FILES
        return is_new and song.fetches < MOST_FETCHES and song.received_bytes < self.most_bytes


@dataclass(frozen=True)
class Recoverable:
    """The songs of an ended job's attempt that can still reach the customer, by number: `staged` need no provider,
    `odd` have a file that no meter accepts, `left` are still to be fetched.
    """

    attempt: Attempt
    staged: tuple[int, ...]
    odd: tuple[int, ...]
    left: tuple[int, ...]

    @property
    def kept_until(self) -> datetime:
        """The earliest instant at which a staged file may expire."""
        return self.attempt.result_from + KEPT_FOR


def recoverables(job: Job) -> tuple[Recoverable, ...]:
    """The recoverable songs of an ended job whose songs may have been billed, oldest attempt first; none for a deleted
    or redelivered job. If one model of a chain delivered, the attempts before it do not count: the customer has a song.
    """
    if job.status not in _SHOWN or job.deleted_at is not None:
        return ()
    if job.rescue is not None and job.rescue.redelivered_as is not None:
        return ()
    if job.status is JobStatus.SUCCEEDED:
        attempts = job.attempts[-1:] if missing_numbers(job) else ()
    else:
        attempts = job.attempts
    found = (_recoverable(job, each) for each in attempts if each.provider_charged is not ProviderCharged.NO)
    return tuple(each for each in found if each.staged or each.odd or each.left)


def with_rescue_begun(job: Job) -> Job:
    """This ended job with a rescue, if any song can be rescued; part of the same version."""
    found = recoverables(job)
    if not found:
        return job
    begun = job.rescue or Rescue()
    waits = begun.next_at or (job.updated_at if any(each.left for each in found) else None)
    rescue = begun.model_copy(update={"next_at": waits})
    check_at = job.check_at if job.publish_pending else rescue.look_at
    return job.model_copy(update={"rescue": rescue, "check_at": check_at})


def is_waiting(job: Job, now: datetime) -> bool:
    """Whether a run may take a job now: its end was published, a song (or a tombstone's file) is left, and no other run
    has the lease.
    """
    if job.rescue is None or job.publish_pending or job.rescue.is_leased(now):
        return False
    return job.rescue.look_at is not None


def started(job: Job, now: datetime) -> Job:
    """This job before the start of one more run; `starts` is the number of that run."""
    rescue = job.rescue or Rescue()
    return job.with_rescue(
        rescue.model_copy(update={"starts": rescue.starts + 1, "next_at": now + STARTS_WITHIN, "lease": None})
    )


def fetchable(job: Job, policy: RescuePolicy, now: datetime) -> tuple[tuple[Attempt, tuple[int, ...]], ...]:
    """The songs that a run may fetch now: attempts whose result may still exist, each with the numbers of songs that
    are due and within their bounds.
    """
    rescue = job.rescue or Rescue()

    def is_fetchable(attempt: Attempt, number: int) -> bool:
        song = rescue.song(attempt.number, number)
        return policy.may_fetch(song) and song.is_due(now)

    living = (each for each in recoverables(job) if now < policy.ends_at(each.attempt))
    found = ((each.attempt, tuple(n for n in each.left if is_fetchable(each.attempt, n))) for each in living)
    return tuple((attempt, numbers) for attempt, numbers in found if numbers)


def leased(job: Job, lease: RescueLease, policy: RescuePolicy, now: datetime) -> Job:
    """This job under the lease of one run. Each fetch is counted before it is made, so that runs that are killed again
    and again come to an end, too.
    """
    rescue = job.rescue or Rescue()
    songs = (rescue.song(attempt.number, n) for attempt, numbers in fetchable(job, policy, now) for n in numbers)
    counted = (each.model_copy(update={"fetches": each.fetches + 1}) for each in songs)
    return job.with_rescue(
        rescue.with_songs(*counted).model_copy(update={"lease": lease, "rounds": rescue.rounds + 1, "next_at": now})
    )


@dataclass(frozen=True)
class Round:
    """The result of one run: the updated `songs`; by attempt, the numbers of the valid songs that it `kept` and the new
    `links`. The tasks of `refused` attempts reported that no song will come. `task_asked_s` and `song_asked_s` are the
    `Retry-After` of a provider for a task, and of a host for a song, in seconds. The run had no time for the songs of
    `cut`.
    """

    songs: tuple[FetchedSong, ...] = ()
    kept: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    links: Mapping[int, Audio] = field(default_factory=dict)
    refused: frozenset[int] = frozenset()
    task_asked_s: Mapping[int, int] = field(default_factory=dict)
    song_asked_s: Mapping[tuple[int, int], int] = field(default_factory=dict)
    cut: frozenset[tuple[int, int]] = frozenset()


def after_round(job: Job, brought: Round, policy: RescuePolicy, now: datetime) -> Job:
    """This job after a run: each remaining song is fetched after its own pause, or given up if that would be too late.
    `Retry-After` of a provider or a host holds only for its own songs, and never for the last try.
    """
    before = job.rescue or Rescue()
    open_again = before.with_songs(*brought.songs).model_copy(
        update={"lease": None, "next_at": None, "ask_at": _asking_times(job, brought, policy, now)}
    )
    fetched = job.with_rescue(open_again, brought.kept, brought.links)
    left = [each for each in recoverables(fetched) if each.left]
    times = {
        (each.attempt.number, number): at
        for each in left
        for number in each.left
        if (at := _next_at(fetched, each.attempt, number, brought, policy, now)) is not None
    }
    goes_on = {attempt for attempt, _ in times}
    over = tuple(sorted({*before.over, *({each.attempt.number for each in left} - goes_on)}))
    timed = (song.model_copy(update={"next_at": times.get((song.attempt, song.number))}) for song in open_again.songs)
    rescue = open_again.model_copy(
        update={"over": over, "songs": tuple(timed), "next_at": min(times.values(), default=None)}
    )
    return fetched.model_copy(
        update={"rescue": rescue, "check_at": job.check_at if job.publish_pending else rescue.look_at}
    )


def _asking_times(job: Job, brought: Round, policy: RescuePolicy, now: datetime) -> dict[int, datetime]:
    """The earliest next poll of the tasks, by attempt: after the result's life if a task refused."""
    rescue = job.rescue or Rescue()
    times = dict(rescue.ask_at)
    for attempt in job.attempts:
        if attempt.number in brought.refused:
            times[attempt.number] = policy.ends_at(attempt)
        elif (asked_s := brought.task_asked_s.get(attempt.number)) is not None:
            times[attempt.number] = _in_time(now + timedelta(seconds=asked_s), attempt, policy)
    return times


def _next_at(
    job: Job, attempt: Attempt, number: int, brought: Round, policy: RescuePolicy, now: datetime
) -> datetime | None:
    """When a song is fetched again; None if it is given up."""
    rescue, name = job.rescue or Rescue(), (attempt.number, number)
    song = rescue.song(*name)
    has_link = attempt.audio is not None and attempt.audio.link_of(number) is not None
    if not policy.may_fetch(song) or (attempt.number in brought.refused and not has_link):
        return None
    if name in brought.cut:
        at = now + timedelta(seconds=1)
    elif all((each.attempt, each.number) != name for each in brought.songs):
        at = max(song.next_at or now, now)
    elif now >= policy.last_try_at(attempt):
        return None
    else:
        asked_s = brought.song_asked_s.get(name, 0)
        at = now + timedelta(seconds=policy.pause_s(rescue.rounds, asked_s))
        # Without a link there is nothing to do before the next poll of the task.
        at = at if has_link else max(at, rescue.ask_at.get(attempt.number, at))
        at = _in_time(at, attempt, policy)
    return at if at < policy.ends_at(attempt) else None


def _in_time(at: datetime, attempt: Attempt, policy: RescuePolicy) -> datetime:
    return min(at, policy.last_try_at(attempt))


def redelivered(job: Job, as_job: str) -> Job:
    """This job once another job delivers its songs: nothing is fetched for it any more."""
    rescue = job.rescue or Rescue()
    return job.with_rescue(rescue.model_copy(update={"redelivered_as": as_job, "next_at": None}))


def cleaned(job: Job) -> Job:
    """The tombstone of a job once none of its fetched files can exist any more."""
    return job.with_rescue(Rescue(starts=job.rescue.starts if job.rescue else 0))


def _recoverable(job: Job, attempt: Attempt) -> Recoverable:
    rescue = job.rescue or Rescue()
    undelivered = _undelivered(job, attempt)
    staged = tuple(n for n in undelivered if n in attempt.kept or _lies_in_the_answer(job, attempt, n))
    others = tuple(n for n in undelivered if n not in staged)
    was_odd = {*attempt.odd_numbers, *(n for n in others if rescue.song(attempt.number, n).is_odd)}
    can_be_had = attempt.upstream_id is not None or _has_links(attempt)
    goes_on = can_be_had and attempt.number not in rescue.over
    return Recoverable(
        attempt=attempt,
        staged=staged,
        odd=tuple(n for n in others if n in was_odd),
        left=others if goes_on else (),
    )


def _undelivered(job: Job, attempt: Attempt) -> tuple[int, ...]:
    if job.status is JobStatus.SUCCEEDED:
        return missing_numbers(job)
    if attempt.wanted:
        return attempt.wanted
    made = attempt.audio.songs if attempt.audio is not None else 0
    return tuple(range(1, max(job.candidates[attempt.candidate].songs, made) + 1))


def _lies_in_the_answer(job: Job, attempt: Attempt, number: int) -> bool:
    """Whether the staged answer holds a song; False if it was found to be bad audio, which never changes."""
    audio = attempt.audio
    if audio is None or audio.source is AudioSource.LINKS or number not in audio.numbers:
        return False
    reasons = [each.reason for each in job.missing if each.number == number]
    return all(reason.failure_class is not FailureClass.BAD_AUDIO for reason in reasons)


def _has_links(attempt: Attempt) -> bool:
    return attempt.audio is not None and bool(attempt.audio.links)
