"""Try once to fetch each song that an ended job lacks: poll its task for a link, fetch the file, measure it and keep it
in staging. After a failure, a later round may still get the song.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from fermata.domain.finish.fetch_failure import came_whole
from fermata.domain.finish.rescue import RescuePolicy, Round
from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.rescue_record import FetchedSong, Rescue
from fermata.domain.jobs.shares import same_song
from fermata.domain.jobs.songs import Audio
from fermata.domain.providers.calls import AudioAt, Provider, Refused, StillRunning
from fermata.errors import (
    DiskFullError,
    FermataError,
    LinkTroubleError,
    RepeatedSongError,
    TransientError,
)
from fermata.log import logger
from fermata.ports.audio import AnswerStore, AudioLinks, AudioMeter
from fermata.ports.jobs import DueJobs, JobStore, RescueSlots
from fermata.ports.metrics import Metrics
from fermata.ports.providers import ProviderKeys, Upstream
from fermata.scratch import scratch_file
from fermata.use_cases.generation.finish.store_audio import FETCH_TAKES_S
from fermata.use_cases.generation.follow.ask_task import POLL_WITHIN_S, SongReceived, ask_task


@dataclass(frozen=True)
class RescuePorts:
    """Ports of `rescue_audio`. `scratch` is a folder for one song at a time, `remaining_s` returns the seconds until
    this run's timeout, and `holder` a name that no other run has.
    """

    jobs: JobStore
    due: DueJobs
    slots: RescueSlots
    upstream: Upstream
    keys: ProviderKeys
    providers: Callable[[str], Provider]
    answers: Callable[[], AnswerStore]
    links: AudioLinks
    meter: AudioMeter
    metrics: Metrics
    clock: Callable[[], datetime]
    remaining_s: Callable[[], float]
    holder: Callable[[], str]
    scratch: Path
    policy: RescuePolicy


@dataclass(frozen=True)
class _TaskAnswer:
    """A provider's answer about a task: its links, whether it will never have any, and the seconds after which it may
    be polled again. `kept` is the number of a song that the answer itself contained and that is now in staging.
    """

    links: AudioAt | None = None
    is_refused: bool = False
    asked_s: int | None = None
    kept: int | None = None


@dataclass(frozen=True)
class _Fetched:
    """The result for one song. `song` is its new record, `asked_s` the pause that its host requested, in seconds, and
    `same_as` the number of another song of which the file is a duplicate. A song that `is_cut` was skipped for lack of
    time.
    """

    song: FetchedSong
    is_kept: bool = False
    asked_s: int | None = None
    same_as: int | None = None
    is_cut: bool = False


def play_round(job: Job, attempts: tuple[tuple[Attempt, tuple[int, ...]], ...], ports: RescuePorts) -> Round:
    """The results of one try to fetch these songs of these attempts. The lease has already counted a fetch of each."""
    found: list[_Fetched] = []
    kept: dict[int, tuple[int, ...]] = {}
    links: dict[int, Audio] = {}
    refused: set[int] = set()
    task_asked_s: dict[int, int] = {}
    for attempt, numbers in attempts:
        if any(each.is_cut for each in found) or (found and ports.remaining_s() < POLL_WITHIN_S + FETCH_TAKES_S):
            found += [_Fetched(_uncounted(job, attempt, number), is_cut=True) for number in numbers]
            continue
        answer = _ask(job, attempt, ports)
        refused.update({attempt.number} if answer.is_refused else ())
        task_asked_s.update({attempt.number: answer.asked_s} if answer.asked_s else {})
        audio = attempt.links_with(answer.links, numbers) if answer.links else attempt.audio
        fetched, audio = _fetch_songs(job, attempt, numbers, audio, answer.kept, ports)
        found += fetched
        kept[attempt.number] = tuple(each.song.number for each in fetched if each.is_kept)
        links.update({attempt.number: audio} if audio is not None and audio != attempt.audio else {})
    return Round(
        songs=tuple(each.song for each in found),
        kept=kept,
        links=links,
        refused=frozenset(refused),
        task_asked_s=task_asked_s,
        song_asked_s={_name(each.song): each.asked_s for each in found if each.asked_s},
        cut=frozenset(_name(each.song) for each in found if each.is_cut),
    )


def _name(song: FetchedSong) -> tuple[int, int]:
    return song.attempt, song.number


def _fetch_songs(
    job: Job, attempt: Attempt, numbers: tuple[int, ...], audio: Audio | None, kept: int | None, ports: RescuePorts
) -> tuple[list[_Fetched], Audio | None]:
    """The result for each song, and their links as far as known afterwards. The song `kept` is already in staging."""
    fetched: list[_Fetched] = []
    # The files of other songs of this order, by their SHA-256: none of them counts as a second song.
    there = {song.sha256: song.number for song in _kept_songs(job, attempt)}
    is_cut = False
    for number in numbers:
        if number == kept:
            fetched.append(_Fetched(_uncounted(job, attempt, number), is_kept=True))
            continue
        link = audio.link_of(number) if audio is not None else None
        is_cut = is_cut or (link is not None and bool(fetched) and ports.remaining_s() < FETCH_TAKES_S)
        if link is None or is_cut:
            fetched.append(_Fetched(_uncounted(job, attempt, number), is_cut=is_cut))
            continue
        one = _fetch(job, attempt, number, link, there, ports)
        fetched.append(one)
        there.update({one.song.sha256: number} if one.is_kept else {})
        if one.same_as is not None and audio is not None:
            audio = audio.with_exchanged(number, one.same_as)
    return fetched, audio


def _kept_songs(job: Job, attempt: Attempt) -> list[FetchedSong]:
    songs = job.rescue.songs if job.rescue is not None else ()
    return [song for song in songs if song.attempt == attempt.number and song.number in attempt.kept]


def _ask(job: Job, attempt: Attempt, ports: RescuePorts) -> _TaskAnswer:
    rescue = job.rescue or Rescue()
    if attempt.upstream_id is None or not rescue.may_ask(attempt.number, ports.clock()):
        return _TaskAnswer()
    # The answer to the job's own last poll may have been kept without being counted.
    outcome, _ = ask_task(job, attempt, ports, asked=attempt.retries.polls + 1 + rescue.rounds)
    match outcome:
        case AudioAt():
            return _TaskAnswer(outcome)
        case SongReceived(number):
            return _TaskAnswer(kept=number)
        case Refused(failure):
            log_rescue("a rescued task failed for good", attempt, found=failure.code)
            return _TaskAnswer(is_refused=True)
        case StillRunning(retry_after_s, offered=offered):
            return _TaskAnswer(offered, asked_s=retry_after_s)
        case _:
            return _TaskAnswer(asked_s=outcome.failure.retry_after_s)


def _fetch(
    job: Job, attempt: Attempt, number: int, link: str, there: Mapping[str | None, int], ports: RescuePorts
) -> _Fetched:
    try:
        return _fetch_to_disk(job, attempt, number, link, there, ports)
    except DiskFullError as error:
        # Another run may have room. The fetch counts, so that tries end even if the disk is always too small.
        log_rescue("a paid song could not be rescued yet", attempt, song=number, found=str(error))
        return _Fetched(_song(job, attempt, number))


def _fetch_to_disk(
    job: Job, attempt: Attempt, number: int, link: str, there: Mapping[str | None, int], ports: RescuePorts
) -> _Fetched:
    before = _song(job, attempt, number)
    digest = hashlib.sha256()
    with scratch_file(ports.scratch, job.id) as file:
        error = _receive(attempt, link, file, digest, ports.policy.most_bytes - before.received_bytes, ports)
        sha256, received = digest.hexdigest(), file.tell()
        same_as = same_song(sha256, number, attempt, job.tracks) or there.get(sha256)
        if error is None and same_as is not None:
            error = RepeatedSongError(same_as)
        song = before.model_copy(update={"received_bytes": before.received_bytes + received})
        if error is not None:
            return _not_fetched(job, attempt, _with_file(song, sha256, error), error, file, ports)
        is_kept = _keep(job, attempt, number, file, ports)
    if is_kept:
        log_rescue("a paid song is kept in staging; redeliver its job", attempt, song=number, bytes=received)
        song = song.model_copy(update={"sha256": sha256})
    return _Fetched(song, is_kept)


def _receive(
    attempt: Attempt, link: str, file: IO[bytes], digest: "hashlib._Hash", most_bytes: int, ports: RescuePorts
) -> FermataError | None:
    """Fetch a link into the file. The error that shows that the file is no complete song, or None."""
    try:
        for piece in ports.links.fetch(attempt.provider, link):
            if file.tell() + len(piece) > most_bytes:
                return TransientError("the limit of bytes received for this song is reached")
            file.write(piece)
            digest.update(piece)
        file.flush()
        ports.meter.measure(Path(file.name))
    except FermataError as error:
        return error
    return None


def _with_file(song: FetchedSong, sha256: str, error: FermataError) -> FetchedSong:
    """The song with the unusable file that was received for it. Repeats are counted, because fetching the same file
    many times is pointless.
    """
    if not came_whole(error) and not isinstance(error, RepeatedSongError):
        return song.model_copy(update={"same_files": 0})
    again = song.same_files + 1 if song.sha256 == sha256 else 1
    return song.model_copy(update={"sha256": sha256, "same_files": again})


def _not_fetched(
    job: Job, attempt: Attempt, song: FetchedSong, error: FermataError, file: IO[bytes], ports: RescuePorts
) -> _Fetched:
    """The result for a song that may come later. The received file is kept if it is longer than the one kept before, or
    complete and as long.
    """
    is_whole = came_whole(error)
    log_rescue("a paid song could not be rescued yet", attempt, song=song.number, found=str(error), tries=song.fetches)
    if isinstance(error, RepeatedSongError):
        return _Fetched(song, same_as=error.same_as)
    asked_s = error.retry_after_s if isinstance(error, LinkTroubleError) else None
    # A complete file that cannot be measured is worth more than any partial file.
    is_odd = song.is_odd or song.number in attempt.odd_numbers
    is_better = (is_whole or not is_odd) and _is_longer(job, attempt, song.number, file, ports, or_as_long=is_whole)
    is_odd = (is_better and _keep(job, attempt, song.number, file, ports) and is_whole) or is_odd
    return _Fetched(song.model_copy(update={"is_odd": is_odd}), asked_s=asked_s)


def _is_longer(
    job: Job, attempt: Attempt, number: int, file: IO[bytes], ports: RescuePorts, *, or_as_long: bool
) -> bool:
    where, received = attempt.staging_of(job.id), file.tell()
    if received == 0:
        return False
    try:
        before = ports.answers().open_file(where.job_id, where.attempt, f"file.{number}")
        return received + or_as_long > sum(len(piece) for piece in before or ())
    except TransientError as error:
        logger.warning("the kept part of a song could not be read", extra={"song": number, "error": str(error)})
        return False


def _keep(job: Job, attempt: Attempt, number: int, file: IO[bytes], ports: RescuePorts) -> bool:
    """Whether the file is in staging now. The store may have closed it in either case."""
    where = attempt.staging_of(job.id)
    file.seek(0)
    try:
        ports.answers().keep_file(where.job_id, where.attempt, f"file.{number}", file)
    except TransientError as error:
        logger.warning("the file of a link was not kept", extra={"song": number, "error": str(error)})
        return False
    return True


def _song(job: Job, attempt: Attempt, number: int) -> FetchedSong:
    known = job.rescue.song(attempt.number, number) if job.rescue is not None else None
    return known or FetchedSong(attempt=attempt.number, number=number)


def _uncounted(job: Job, attempt: Attempt, number: int) -> FetchedSong:
    """A song for which the lease counted a fetch that was not made."""
    song = _song(job, attempt, number)
    return song.model_copy(update={"fetches": song.fetches - 1})


def log_rescue(message: str, attempt: Attempt, **details: object) -> None:
    """Log a rescue event of an attempt; the log line's context names the job."""
    about = {"attempt": attempt.number, "provider": attempt.provider, **details}
    logger.warning(message, extra={"rescue": about})
