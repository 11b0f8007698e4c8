"""The songs that a delivered job lacks, and why."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.songs import MissingTrack, Track
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged

Song = TypeVar("Song", Track, MissingTrack)


def all_missing(
    tracks: Sequence[Track], noted: Sequence[MissingTrack], attempt: Attempt | None, ordered: int
) -> tuple[MissingTrack, ...]:
    """Every ordered or made song that is not among the `tracks`: the `noted` ones, and the others with a reason from
    the delivering attempt. `ordered` is the number of songs, for an attempt without `wanted` numbers.
    """
    known = {track.number for track in tracks} | {each.number for each in noted}
    made = attempt.audio.songs if attempt is not None and attempt.audio is not None else 0
    expected = (attempt.wanted if attempt is not None else ()) or range(1, max(ordered, made) + 1)
    unnoted = [number for number in expected if number not in known]
    more = (MissingTrack(number=number, reason=_why_not_stored(attempt, number)) for number in unnoted)
    return in_order((*noted, *more))


def in_order(songs: Iterable[Song]) -> tuple[Song, ...]:
    """Songs sorted by number."""
    return tuple(sorted(songs, key=lambda song: song.number))


def _why_not_stored(attempt: Attempt | None, number: int) -> Failure:
    """Why a song of a delivered job is missing, if no run has recorded the reason."""
    audio = attempt.audio if attempt is not None else None
    trouble = _trouble_of(attempt, number)
    if audio is not None and audio.songs < number:
        were = "was" if audio.songs == 1 else "were"
        found = FailureClass.INCOMPLETE, f"only {audio.songs} of the ordered songs {were} made", "fewer_songs"
    elif audio is not None and number in audio.without_link:
        found = FailureClass.INCOMPLETE, "the audio was finished without a link to it", "without_link"
    elif attempt is not None and (known := attempt.failure or trouble) is not None:
        return known
    else:
        found = FailureClass.TRANSIENT, "the audio was made but could not be stored", "not_stored"
    failure_class, message, code = found
    charged = attempt.provider_charged if attempt is not None else ProviderCharged.UNKNOWN
    return Failure(failure_class=failure_class, provider_charged=charged, message=message, code=code)


def _trouble_of(attempt: Attempt | None, number: int) -> Failure | None:
    """The last failure that delays a song: its own, otherwise that of its attempt."""
    if attempt is None or attempt.retries.since is None:
        return None
    song = attempt.retries.songs.get(number)
    return song.last if song is not None else attempt.retries.last
