"""From the bounds between which songs became ready to how long the next one may take.

Nobody says when a song was ready: polls bound that time, and a poll that comes late bounds it badly. So a song counts
where the better known songs say that it may have been, and only without any such song in the middle of its bounds. A
first poll that finds the song moves the estimate down by half at least, so what our own polls cost never stays in it.
"""

from collections.abc import Sequence
from math import ceil
from typing import Final, NamedTuple

from fermata.domain.catalogue.models import Estimate

SONGS_ENOUGH: Final = 5
"""Fewer songs than this leave the model's prior a say."""
SONGS_OF_A_CHANGE: Final = 4
"""Fewer songs in a row that are all slow, or all fast, happen to a provider that did not change."""
_SONGS_BEFORE_A_CHANGE: Final = 8
_FACTOR_OF_A_CHANGE: Final = 1.5
"""Smaller changes are followed as new songs push out old ones, and are no reason to forget any."""
_ROUNDING: Final = 1e-9


class Bounds(NamedTuple):
    """When a song became ready: more than `earliest_s` and at most `latest_s` seconds after its order; both are equal
    where the time is exact.
    """

    earliest_s: float
    latest_s: float

    @property
    def middle_s(self) -> float:
        """The best guess without other songs, at least a second."""
        return max(1.0, (self.earliest_s + self.latest_s) / 2)


def estimate_from(songs: Sequence[Bounds], prior: Estimate) -> Estimate:
    """What half and four fifths of the next songs take, in whole seconds from 1. `songs` are the last of one model, in
    the order in which they were delivered; fewer than `SONGS_ENOUGH` count beside the prior.
    """
    counted = list(_since_the_last_change(songs))
    if len(songs) < SONGS_ENOUGH:
        counted += [Bounds(seconds, seconds) for seconds in (prior.p50_s, prior.p50_s, prior.p80_s)]
    placed = sorted(_placed(counted))
    return Estimate(p50_s=round(_percentile(placed, 50)), p80_s=round(_percentile(placed, 80)))


def _since_the_last_change(songs: Sequence[Bounds]) -> Sequence[Bounds]:
    """The songs since the provider became faster or slower: as many of the newest as lie all beyond four fifths of
    those before them, and well away from their median. All songs where there are none such.
    """
    middles = [song.middle_s for song in songs]
    for split in range(_SONGS_BEFORE_A_CHANGE, len(songs) - SONGS_OF_A_CHANGE + 1):
        if _differ(sorted(middles[:split]), sorted(middles[split:])):
            return songs[split:]
    return songs


def _differ(before: Sequence[float], since: Sequence[float]) -> bool:
    ratio = _ranked(since, 50) / _ranked(before, 50)
    if ratio >= _FACTOR_OF_A_CHANGE:
        return since[0] >= _ranked(before, 80)
    return ratio * _FACTOR_OF_A_CHANGE <= 1 and since[-1] <= _ranked(before, 20)


def _placed(songs: Sequence[Bounds]) -> list[tuple[float, float]]:
    """Seconds and the number of songs that are taken to have been ready then, the best known songs first. What is known
    worse is shared out among the places within its bounds, as many songs as each place has.
    """
    places: dict[float, float] = {}
    for song in sorted(songs, key=lambda each: each.latest_s - each.earliest_s):
        within = [second for second in places if song.earliest_s < second <= song.latest_s]
        share = 1 / sum(places[second] for second in within) if within else 0
        for second in within:
            places[second] *= 1 + share
        if not within:
            places[song.middle_s] = places.get(song.middle_s, 0) + 1
    return list(places.items())


def _percentile(placed: Sequence[tuple[float, float]], percent: int) -> float:
    """The nearest rank: the first place that so many percent of all songs are not after."""
    left = sum(songs for _, songs in placed) * percent / 100 - _ROUNDING
    for second, songs in placed:
        left -= songs
        if left <= 0:
            return second
    return placed[-1][0]


def _ranked(ordered: Sequence[float], percent: int) -> float:
    return ordered[ceil(len(ordered) * percent / 100) - 1]
