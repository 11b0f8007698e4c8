"""Several songs of one order: which of them are paid for, what the delivered ones come to, and which are the same."""

from collections.abc import Sequence

from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.songs import Track


def share_of(price_credits: int, delivered: int, ordered: int) -> int:
    """What `delivered` songs of an order of `ordered` (1 or more) cost, in whole credits, rounded down. Songs beyond
    the order cost nothing.
    """
    return price_credits * min(delivered, ordered) // ordered


def ordered_numbers(songs: int, wanted: Sequence[int]) -> tuple[int, ...]:
    """The positions, among the provider's songs, of those that are paid for: the first `songs` of the wanted ones, or
    of all where none in particular are wanted.
    """
    return tuple(sorted(wanted)[:songs]) if wanted else tuple(range(1, songs + 1))


def same_song(sha256: str, number: int, attempt: Attempt, tracks: Sequence[Track]) -> int | None:
    """The number of another song of the same order that has this file, among the stored `tracks` and those that an
    earlier job delivered; None where there is none.
    """
    there = {**attempt.delivered, **{track.number: track.sha256 for track in tracks}}
    return next((other for other, known in there.items() if known == sha256 and other != number), None)
