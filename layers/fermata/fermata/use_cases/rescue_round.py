"""Look once after each song of an ended job: ask its task for a link, fetch the file, measure and keep it in staging.
Whatever goes wrong, the song may come later.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from fermata.domain.jobs import Attempt, Audio, AudioSource, Job
from fermata.domain.rescue import RescuePolicy, Round
from fermata.domain.rescue_record import FetchedSong
from fermata.domain.upstream import AudioAt, Provider, Refused, StillRunning
from fermata.errors import AudioTooLargeError, BadAudioError, FermataError, LinkTroubleError, TransientError
from fermata.log import logger
from fermata.ports import (
    AnswerStore,
    AudioLinks,
    AudioMeter,
    DueJobs,
    JobStore,
    Metrics,
    ProviderKeys,
    RescueSlots,
    Upstream,
)
from fermata.use_cases.asking_tasks import POLL_WITHIN_S, SongReceived, ask_task
from fermata.use_cases.store_audio import FETCH_TAKES_S


@dataclass(frozen=True)
class RescuePorts:
    """What `rescue_audio` works with; `scratch` is a folder for one song at a time, `remaining_s` how long this run may
    still live, in seconds, and `holder` a name that no other run has.
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
class _Told:
    """What a provider said of a task: the songs it has, whether it will never have any, and when it may be asked again,
    in seconds. `kept` is the number of a song that was the answer itself and is in staging.
    """

    audio: Audio | None = None
    is_refused: bool = False
    asked_s: int | None = None
    kept: int | None = None


@dataclass(frozen=True)
class _Fetched:
    """What became of one song; `song` is what is known of it now, `asked_s` what its host wants, in seconds."""

    song: FetchedSong
    is_kept: bool = False
    asked_s: int | None = None


def play_round(job: Job, attempts: tuple[tuple[Attempt, tuple[int, ...]], ...], ports: RescuePorts) -> Round:
    """What one look at these songs of some attempts brought; the lease has counted a fetch of each."""
    songs: list[FetchedSong] = []
    kept: dict[int, tuple[int, ...]] = {}
    refused: set[int] = set()
    asked: list[int] = []
    is_cut = False
    for attempt, numbers in attempts:
        if is_cut or (songs and ports.remaining_s() < POLL_WITHIN_S + FETCH_TAKES_S):
            is_cut = True
            songs += [_uncounted(job, attempt, number) for number in numbers]
            continue
        told = _ask(job, attempt, ports)
        refused.update({attempt.number} if told.is_refused else ())
        asked += [told.asked_s] if told.asked_s else []
        fetched, is_cut = _fetch_songs(job, attempt, numbers, told, ports)
        songs += [each.song for each in fetched]
        kept[attempt.number] = tuple(each.song.number for each in fetched if each.is_kept)
        asked += [each.asked_s for each in fetched if each.asked_s]
    return Round(tuple(songs), kept, frozenset(refused), max(asked, default=None), is_cut)


def _fetch_songs(
    job: Job, attempt: Attempt, numbers: tuple[int, ...], told: _Told, ports: RescuePorts
) -> tuple[list[_Fetched], bool]:
    """What became of each song, and whether there was no time for one of them."""
    fetched: list[_Fetched] = []
    is_cut = False
    for number in numbers:
        link = _link(told.audio, number) or _link(attempt.audio or attempt.former_audio, number)
        if number == told.kept:
            fetched.append(_Fetched(_uncounted(job, attempt, number), is_kept=True))
            continue
        is_cut = is_cut or (link is not None and bool(fetched) and ports.remaining_s() < FETCH_TAKES_S)
        if link is None or is_cut:
            fetched.append(_Fetched(_uncounted(job, attempt, number)))
        else:
            fetched.append(_fetch(job, attempt, number, link, ports))
    return fetched, is_cut


def _ask(job: Job, attempt: Attempt, ports: RescuePorts) -> _Told:
    if attempt.upstream_id is None:
        return _Told()
    rounds = job.rescue.rounds if job.rescue is not None else 0
    # The job's own last poll may have been kept without being counted.
    outcome, _ = ask_task(job, attempt, ports, asked=attempt.retries.polls + 1 + rounds)
    match outcome:
        case AudioAt():
            return _Told(_audio(outcome))
        case SongReceived(number):
            return _Told(kept=number)
        case Refused(failure):
            log_rescue("a rescued task failed for good", attempt, found=failure.code)
            return _Told(is_refused=True)
        case StillRunning(retry_after_s, offered=offered):
            return _Told(_audio(offered) if offered is not None else None, asked_s=retry_after_s)
        case _:
            return _Told(asked_s=outcome.failure.retry_after_s)


def _audio(found: AudioAt) -> Audio:
    return Audio(source=AudioSource.LINKS, links=(found.url, *found.further), without_link=found.missing)


def _link(audio: Audio | None, number: int) -> str | None:
    return audio.link_of(number) if audio is not None else None


def _fetch(job: Job, attempt: Attempt, number: int, link: str, ports: RescuePorts) -> _Fetched:
    before = _song(job, attempt, number)
    with NamedTemporaryFile(dir=ports.scratch, prefix=f"{job.id}-") as file:
        error = _receive(attempt, link, file, ports.policy.most_bytes - before.received_bytes, ports)
        received = file.tell()
        song = before.model_copy(update={"received_bytes": before.received_bytes + received})
        if error is not None:
            return _not_fetched(job, attempt, song, error, file, ports)
        is_kept = _keep(job, attempt, number, file, ports)
    if is_kept:
        log_rescue("a paid song is kept in staging; redeliver its job", attempt, song=number, bytes=received)
    return _Fetched(song, is_kept)


def _receive(attempt: Attempt, link: str, file: IO[bytes], most_bytes: int, ports: RescuePorts) -> FermataError | None:
    """Why what was written to the file is no song, None where it is one."""
    try:
        for piece in ports.links.fetch(attempt.provider, link):
            if file.tell() + len(piece) > most_bytes:
                return TransientError("as many bytes were received for this song as may be")
            file.write(piece)
        file.flush()
        ports.meter.measure(Path(file.name))
    except FermataError as error:
        return error
    return None


def _not_fetched(
    job: Job, attempt: Attempt, song: FetchedSong, error: FermataError, file: IO[bytes], ports: RescuePorts
) -> _Fetched:
    """The song may come later. What arrived and is no song is kept where it is longer than what was kept before."""
    is_whole = isinstance(error, BadAudioError) and not isinstance(error, AudioTooLargeError)
    log_rescue("a paid song could not be rescued yet", attempt, song=song.number, found=str(error), tries=song.fetches)
    asked_s = error.retry_after_s if isinstance(error, LinkTroubleError) else None
    # A whole file that no meter takes is worth more than any part of one.
    longer = (is_whole or not song.is_odd) and _is_longer(job, attempt, song.number, file, ports)
    is_odd = longer and _keep(job, attempt, song.number, file, ports) and is_whole
    return _Fetched(song.model_copy(update={"is_odd": song.is_odd or is_odd}), asked_s=asked_s)


def _is_longer(job: Job, attempt: Attempt, number: int, file: IO[bytes], ports: RescuePorts) -> bool:
    where, received = attempt.staging_of(job.id), file.tell()
    if received == 0:
        return False
    try:
        before = ports.answers().open_file(where.job_id, where.attempt, f"file.{number}")
        return received > sum(len(piece) for piece in before or ())
    except TransientError as error:
        logger.warning("what was kept of a song could not be read", extra={"song": number, "error": str(error)})
        return False


def _keep(job: Job, attempt: Attempt, number: int, file: IO[bytes], ports: RescuePorts) -> bool:
    """Whether the file lies in staging now; the store may have closed it, whichever way it went."""
    where = attempt.staging_of(job.id)
    file.seek(0)
    try:
        ports.answers().keep_file(where.job_id, where.attempt, f"file.{number}", file)
    except TransientError as error:
        logger.warning("what a link brought was not kept", extra={"song": number, "error": str(error)})
        return False
    return True


def _song(job: Job, attempt: Attempt, number: int) -> FetchedSong:
    known = job.rescue.song(attempt.number, number) if job.rescue is not None else None
    return known or FetchedSong(attempt=attempt.number, number=number)


def _uncounted(job: Job, attempt: Attempt, number: int) -> FetchedSong:
    """A song for which the lease counted a fetch that was not made."""
    song = _song(job, attempt, number)
    return song.model_copy(update={"fetches": song.fetches - 1})


def log_rescue(message: str, attempt: Attempt, **told: object) -> None:
    """Log what became of an attempt of the job that the log line names."""
    about = {"attempt": attempt.number, "provider": attempt.provider, **told}
    logger.warning(message, extra={"rescue": about})
