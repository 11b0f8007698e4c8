"""Several songs of one order: which of them are paid for, and what the delivered ones come to."""

from collections.abc import Sequence


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
