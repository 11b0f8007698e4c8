"""Store the songs of a paid result: stream each song to disk, measure it, store it. May run again.

Every song is fetched, measured and stored separately, so that the failure of one never costs another. Downloads from
outside are retried patiently, because the songs are paid for; a staged answer is not, because it does not change.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import IO, Final

from fermata.domain.audio.marks import Marking
from fermata.domain.finish.fetch_failure import (
    came_whole,
    failure_of_fetch,
    is_not_taken,
    may_have_a_better_link,
    will_not_change,
)
from fermata.domain.jobs.attempt import Attempt, AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.shares import same_song
from fermata.domain.jobs.songs import AudioSource, MissingTrack, Track
from fermata.domain.providers.patience import PatiencePolicy
from fermata.errors import (
    DeliveryError,
    LinkTroubleError,
    RepeatedSongError,
    ResultExpiredError,
    StaleRecordError,
    TransientError,
)
from fermata.log import logger
from fermata.ports.audio import (
    AnswerStore,
    AudioLinks,
    AudioMarker,
    AudioMeter,
    StagedSong,
    TrackStore,
)
from fermata.ports.jobs import JobStore
from fermata.ports.metrics import Metrics
from fermata.ports.providers import StreamedAnswer
from fermata.scratch import scratch_file
from fermata.use_cases.generation.finish.make_track import track_key, track_of
from fermata.use_cases.generation.finish.mark_song import song_to_store
from fermata.use_cases.generation.finish.store_subtitles import with_subtitles
from fermata.use_cases.generation.follow.parse_answer import decoded_events, decoded_song, staged_answer

FETCH_TAKES_S: Final = 540
"""Seconds that one song may take in one run: the fetch's own limit, and time to measure and store it."""


class StoreOutcome(StrEnum):
    """What is left to do after a try."""

    STORED = "stored"
    """No song is left: each is stored, or given up with its reason on record."""
    LINK_EXPIRED = "link_expired"
    """After the pause, the task is polled for a new link."""
    WAIT = "wait"
    """After the pause, the songs are fetched again."""


@dataclass(frozen=True)
class StoreStep:
    """What is left to do, and the pause in seconds (>= 1) before it."""

    outcome: StoreOutcome
    wait_seconds: int = 1


@dataclass(frozen=True)
class StorePorts:
    """Ports of `store_audio`. `scratch` is a folder for one song and its signed copy at a time, `retention_days` how
    long a song is kept, and `remaining_s` returns the seconds until this run's timeout. `marking` is what the `marker`
    does; without one, songs are stored as they came.
    """

    jobs: JobStore
    answers: AnswerStore
    links: AudioLinks
    tracks: TrackStore
    meter: AudioMeter
    marker: AudioMarker | None
    marking: Marking
    metrics: Metrics
    clock: Callable[[], datetime]
    remaining_s: Callable[[], float]
    scratch: Path
    patience: PatiencePolicy
    retention_days: int


def store_audio(job_id: str, attempt_number: int, ports: StorePorts) -> StoreStep:
    """Try once to store every outstanding song of a ready attempt, and return the next step for those that remain. Each
    song has the same key in every run, unless it is signed, and is recorded once it is stored.

    Raises `TransientError` if one of our stores fails and running it again may help. Stored songs stay stored.
    """
    job = ports.jobs.load_existing(job_id)
    attempt = job.last_attempt
    if attempt is None or attempt.number != attempt_number or job.status.is_terminal:
        return StoreStep(StoreOutcome.STORED)
    if attempt.state is AttemptState.GENERATING:
        # An earlier run requested a new link and its result was lost.
        return StoreStep(StoreOutcome.LINK_EXPIRED)
    if attempt.state is not AttemptState.READY:
        return StoreStep(StoreOutcome.STORED)
    return _store_outstanding(job, attempt.number, ports)


def _store_outstanding(job: Job, attempt_number: int, ports: StorePorts) -> StoreStep:
    asks_for_links = was_tried = False
    # The state machine returns when the first song is due by its own clock, which may run faster on a laptop.
    comes_at = job.attempts[-1].retries.first_due_at(outstanding_songs(job), ports.clock())
    for number in outstanding_songs(job):
        if job.is_past_finish_by(ports.clock()):
            return StoreStep(StoreOutcome.STORED)
        due_at = max(comes_at, ports.clock())
        if number not in outstanding_songs(job) or not job.attempts[-1].retries.is_due(number, due_at):
            continue
        if was_tried and ports.remaining_s() < FETCH_TAKES_S:
            return StoreStep(StoreOutcome.WAIT)
        job, may_be_renewed = _try_song(job, number, ports)
        was_tried, asks_for_links = True, asks_for_links or may_be_renewed
        if job.status.is_terminal or job.attempts[-1].state is not AttemptState.READY:
            return store_audio(job.id, attempt_number, ports)
    return _next_step(job, asks_for_links, ports)


def _next_step(job: Job, asks_for_links: bool, ports: StorePorts) -> StoreStep:
    left = outstanding_songs(job)
    if not left:
        return StoreStep(StoreOutcome.STORED)
    retries, now = job.attempts[-1].retries, ports.clock()
    # Each song has its own due time; a run that was started for one song skips the others.
    wait_s = min(retries.wait_s(number, now) for number in left)
    if asks_for_links and ports.patience.may_ask(retries, now + timedelta(seconds=wait_s)):
        return _request_new_links(job, wait_s, ports)
    return StoreStep(StoreOutcome.WAIT, wait_s)


def outstanding_songs(job: Job) -> list[int]:
    """The numbers of the songs of the last attempt that are neither stored nor given up."""
    done = {*(track.number for track in job.tracks), *(missing.number for missing in job.missing)}
    return [number for number in job.attempts[-1].song_numbers if number not in done]


def _try_song(job: Job, number: int, ports: StorePorts) -> tuple[Job, bool]:
    """The job with the song stored or its failure recorded, and whether a new link may help. A file that duplicates
    another song of the job does not count as a second song and is not charged.
    """
    with scratch_file(ports.scratch, job.id) as file:
        try:
            track = _store(job, number, file, ports)
        except (DeliveryError, LinkTroubleError) as error:
            return _record_failure(job, number, error, file, ports)
    track = with_subtitles(track, job, ports)
    return _save(job.with_tracks((*job.tracks, track), ports.clock()), ports), False


def _store(job: Job, number: int, file: IO[bytes], ports: StorePorts) -> Track:
    staged = _staged_song(job, number, ports)
    if staged is not None:
        return _take(job, number, staged, ports)
    sha256 = _write(_song(job, number, ports), file)
    path = Path(file.name)
    facts = ports.meter.measure(path)
    _refuse_repeated(job, number, sha256)
    with song_to_store(job, path, facts, sha256, ports) as song:
        key = track_key(job.id, number, song.marked, facts)
        ports.tracks.put(key, song.path, facts.content_type, song.marked.sha256, song.marked.parts)
    return track_of(number, key, facts, song.marked, sha256, expires_at=_expires_at(ports))


def _staged_song(job: Job, number: int, ports: StorePorts) -> StagedSong | None:
    """The song in staging that is to be stored as it is, or None. The marks of a redelivered one name another job."""
    attempt = job.attempts[-1]
    where = attempt.staging_of(job.id)
    is_hex = attempt.audio is not None and attempt.audio.source is AudioSource.HEX
    if number in attempt.kept or not is_hex or where.job_id != job.id:
        return None
    staged = ports.answers.song(where.job_id, where.attempt)
    return staged if staged is not None and staged.marking is ports.marking else None


def _take(job: Job, number: int, staged: StagedSong, ports: StorePorts) -> Track:
    _refuse_repeated(job, number, staged.source_sha256)
    where = job.attempts[-1].staging_of(job.id)
    key = track_key(job.id, number, staged.marked, staged.facts)
    if not ports.tracks.take(key, where.job_id, where.attempt, staged.facts.content_type):
        raise _gone(job.attempts[-1])
    return track_of(number, key, staged.facts, staged.marked, staged.source_sha256, expires_at=_expires_at(ports))


def _expires_at(ports: StorePorts) -> datetime:
    return ports.clock() + timedelta(days=ports.retention_days)


def _refuse_repeated(job: Job, number: int, sha256: str) -> None:
    same_as = same_song(sha256, number, job.attempts[-1], job.tracks)
    if same_as is not None:
        raise RepeatedSongError(same_as)


def _song(job: Job, number: int, ports: StorePorts) -> Iterator[bytes]:
    attempt = job.attempts[-1]
    if number in attempt.kept:
        return _kept(job, attempt, number, ports.answers)
    source = attempt.audio.source if attempt.audio else None
    match source:
        case AudioSource.BODY:
            return _staged(job, attempt, ports.answers).chunks()
        case AudioSource.HEX:
            return decoded_song(_staged(job, attempt, ports.answers).chunks())
        case AudioSource.EVENTS:
            whole_event = attempt.audio.whole_event if attempt.audio else None
            return decoded_events(_staged(job, attempt, ports.answers).chunks(), whole_event)
        case _:
            link = attempt.audio.link_of(number) if attempt.audio else None
            return ports.links.fetch(attempt.provider, link or "")


def _kept(job: Job, attempt: Attempt, number: int, answers: AnswerStore) -> Iterator[bytes]:
    where = attempt.staging_of(job.id)
    kept = answers.open_file(where.job_id, where.attempt, f"file.{number}")
    if kept is None:
        raise ResultExpiredError(f"the file of song {number} is gone; it is kept 30 days")
    return kept


def _staged(job: Job, attempt: Attempt, answers: AnswerStore) -> StreamedAnswer:
    kept = staged_answer(job, attempt, answers)
    if kept is None:
        raise _gone(attempt)
    return kept


def _gone(attempt: Attempt) -> ResultExpiredError:
    return ResultExpiredError(f"the staged answer of attempt {attempt.number} is gone; it is kept 30 days")


def _write(audio: Iterator[bytes], file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in audio:
        file.write(piece)
        digest.update(piece)
    file.flush()
    return digest.hexdigest()


# ---- failures


def _record_failure(
    job: Job, number: int, error: DeliveryError | LinkTroubleError, file: IO[bytes], ports: StorePorts
) -> tuple[Job, bool]:
    attempt, now = job.attempts[-1], ports.clock()
    failure = failure_of_fetch(error, attempt)
    retries = attempt.retries.after_fetch(number, failure, now, has_another=bool(job.tracks))
    may_be_renewed = may_have_a_better_link(error, attempt, number)
    is_staged = not _is_fetched(attempt, number)
    gives_up = will_not_change(error, attempt, number, is_staged=is_staged, may_be_renewed=may_be_renewed)
    gives_up = gives_up or ports.patience.gives_up_fetching(retries, number, now)
    fetch = {"attempt": attempt.number, "song": number, "found": str(error), "fetches": retries.fetches_of(number)}
    logger.warning("a paid song is given up" if gives_up else "a paid song is fetched again", extra={"fetch": fetch})
    pause = timedelta(seconds=ports.patience.fetch_pause_s(retries, number, now))
    known = {**_first_refusal(error, attempt, number), **_keep_unusable(job, number, error, file, ports)}
    retries = retries.with_song(number, next_at=now + pause, **known)
    given_up = MissingTrack(number=number, reason=failure) if gives_up else None
    changed = job.with_asking(_with_exchanged_links(attempt, number, error).with_retries(retries), given_up)
    return _save(changed, ports), may_be_renewed and not gives_up


def _first_refusal(error: DeliveryError | LinkTroubleError, attempt: Attempt, number: int) -> dict[str, object]:
    song = attempt.retries.songs.get(number)
    is_first = is_not_taken(error) and (song is None or song.refused_after is None)
    return {"refused_after": attempt.new_links} if is_first else {}


def _with_exchanged_links(attempt: Attempt, number: int, error: DeliveryError | LinkTroubleError) -> Attempt:
    """The attempt with two links exchanged if this song's link led to another song: answers can change their order, so
    the other song's link may lead to this one.
    """
    if attempt.audio is None or not isinstance(error, RepeatedSongError):
        return attempt
    return attempt.with_audio(attempt.audio.with_exchanged(number, error.same_as))


def _is_fetched(attempt: Attempt, number: int) -> bool:
    from_outside = attempt.audio is not None and attempt.audio.source is AudioSource.LINKS
    return from_outside and number not in attempt.kept


def _keep_unusable(
    job: Job, number: int, error: DeliveryError | LinkTroubleError, file: IO[bytes], ports: StorePorts
) -> dict[str, object]:
    """Keep the unusable file received for a song if the song is neither staged nor stored and the file is longer than
    all before. A failure to keep it is only logged.
    """
    attempt, received = job.attempts[-1], file.tell()
    before = attempt.retries.songs.get(number)
    longest = before.kept_bytes if before is not None else 0
    if not _is_fetched(attempt, number) or isinstance(error, RepeatedSongError) or received <= longest:
        return {}
    file.seek(0)
    try:
        ports.answers.keep_file(job.id, attempt.number, f"file.{number}", file)
    except TransientError as trouble:
        logger.warning("a file that is no song was not kept", extra={"song": number, "error": str(trouble)})
        return {}
    return {"kept_bytes": received, "is_odd": came_whole(error)}


def _request_new_links(job: Job, wait_s: int, ports: StorePorts) -> StoreStep:
    now = ports.clock()
    asking = job.attempts[-1].awaiting_a_new_link(tuple(outstanding_songs(job)))
    changed = _save(job.with_outcome(asking, now), ports)
    return StoreStep(StoreOutcome.STORED if changed.status.is_terminal else StoreOutcome.LINK_EXPIRED, wait_s)


def _save(job: Job, ports: StorePorts) -> Job:
    """The current job: this version, or the one that another run wrote first. That run may have stored the same bytes
    under the same key, met the same failure, requested the same new link, or ended the job.
    """
    try:
        ports.jobs.save(job)
    except StaleRecordError:
        return ports.jobs.load_existing(job.id)
    return job
