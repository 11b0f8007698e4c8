"""Estimates a model's latency from the bounds between which its last songs became ready.

No provider reports when a song became ready: polls bound that time, and a late poll bounds it loosely. So a song counts
at the times of better known songs within its bounds, and at the middle of its bounds only without such songs. A first
poll that finds the song lowers the estimate by at least half, so the delay of our own polls never stays in it.
"""

from collections.abc import Sequence
from math import ceil
from typing import Final, NamedTuple

from fermata.domain.catalogue.models import Estimate

SONGS_ENOUGH: Final = 5
"""With fewer songs, the model's prior counts, too."""
SONGS_OF_A_CHANGE: Final = 4
"""Fewer slow, or fast, songs in a row occur by chance, without a change of the provider."""
_SONGS_BEFORE_A_CHANGE: Final = 8
_FACTOR_OF_A_CHANGE: Final = 1.5
"""Smaller changes need no reset: the estimate follows them as new songs replace old ones."""
_ROUNDING: Final = 1e-9


class Bounds(NamedTuple):
    """When a song became ready: more than `earliest_s` and at most `latest_s` seconds after its order. Both are equal
    if the time is exact.
    """

    earliest_s: float
    latest_s: float

    @property
    def middle_s(self) -> float:
        """The best guess without other songs, at least a second."""
        return max(1.0, (self.earliest_s + self.latest_s) / 2)


def estimate_from(songs: Sequence[Bounds], prior: Estimate) -> Estimate:
    """The expected P50 and P80 of the next songs, in whole seconds from 1. `songs` are the last ones of one model in
    the order of delivery; if they are fewer than `SONGS_ENOUGH`, the prior counts, too.
    """
    counted = list(_since_the_last_change(songs))
    if len(songs) < SONGS_ENOUGH:
        counted += [Bounds(seconds, seconds) for seconds in (prior.p50_s, prior.p50_s, prior.p80_s)]
    placed = sorted(_placed(counted))
    return Estimate(p50_s=round(_percentile(placed, 50)), p80_s=round(_percentile(placed, 80)))


def _since_the_last_change(songs: Sequence[Bounds]) -> Sequence[Bounds]:
    """The songs since the provider became faster or slower, or all songs without such a change. All songs since the
    change lie beyond four fifths of those before it, and their median differs by `_FACTOR_OF_A_CHANGE`.
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
    """Seconds, and the number of songs assumed to be ready then, from the tightest bounds to the loosest. A song with
    looser bounds is divided among the places within them, in proportion to the songs of each place.
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
    """The percentile by nearest rank: the first place with at least `percent` of all songs at or before it."""
    left = sum(songs for _, songs in placed) * percent / 100 - _ROUNDING
    for second, songs in placed:
        left -= songs
        if left <= 0:
            return second
    return placed[-1][0]


def _ranked(ordered: Sequence[float], percent: int) -> float:
    return ordered[ceil(len(ordered) * percent / 100) - 1]
