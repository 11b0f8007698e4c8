"""Several songs of one order: which are paid for, what the delivered ones cost, and which are equal."""

from collections.abc import Sequence

from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.songs import Track


def share_of(price_credits: int, delivered: int, ordered: int) -> int:
    """The price of `delivered` songs of an order of `ordered` (1 or more), in whole credits, rounded down. Songs beyond
    the order are free.
    """
    return price_credits * min(delivered, ordered) // ordered


def ordered_numbers(songs: int, wanted: Sequence[int]) -> tuple[int, ...]:
    """The positions of the paid songs among the provider's: the first `songs` of the wanted ones, or of all songs if
    `wanted` is empty.
    """
    return tuple(sorted(wanted)[:songs]) if wanted else tuple(range(1, songs + 1))


def same_song(sha256: str, number: int, attempt: Attempt, tracks: Sequence[Track]) -> int | None:
    """The number of another song of the same order with this file, among the stored `tracks` and the songs that an
    earlier job delivered, or None.
    """
    there = {**attempt.delivered, **{track.number: track.sha256 for track in tracks}}
    return next((other for other, known in there.items() if known == sha256 and other != number), None)
