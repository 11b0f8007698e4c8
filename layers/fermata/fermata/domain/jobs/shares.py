"""The songs of one order: which are paid for, what the delivered ones cost, what the provider took, and which are
equal.
"""

from collections.abc import Sequence

from fermata.domain.catalogue.units import cost_in_micro_usd, price_in_credits, units_in
from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.songs import Track
from fermata.domain.orders.candidates import Candidate


def price_of_delivered(ordered: Candidate, tracks: Sequence[Track]) -> int:
    """What the delivered songs cost in whole credits, at most the ordered price: minutes as measured, and of several
    songs the delivered ones' share.
    """
    if ordered.unit == "minute":
        measured = price_in_credits(ordered.unit, _length_ms(tracks), ordered.unit_credits, ordered.discount_percent)
        return min(measured, ordered.price_credits)
    return share_of(ordered.price_credits, len(tracks), ordered.songs)


def delivered_units(ordered: Candidate, tracks: Sequence[Track]) -> float:
    """The units that the delivered songs count, at most the ordered ones: minutes as measured, an order of several
    songs by the delivered ones' share.
    """
    if ordered.unit == "minute":
        return units_in(ordered.unit, min(_length_ms(tracks), ordered.count))
    missing = max(0, ordered.songs - len(tracks))
    return ordered.units * (ordered.songs - missing) / ordered.songs if missing else ordered.units


def at_metered_cost(attempt: Attempt, candidates: Sequence[Candidate]) -> Attempt:
    """The attempt at the amount that its provider states, else at the price of the units that it counted. The claim
    booked an upper bound; the caller books the difference.

    An attempt carried over from another job stays at no cost, because that job paid.
    """
    if attempt.staged_at is not None or attempt.provider_units is None:
        return attempt
    if attempt.provider_micro_usd is not None:
        return attempt.at_cost(attempt.provider_micro_usd)
    ordered = candidates[attempt.candidate]
    return attempt.at_cost(cost_in_micro_usd(ordered.unit, int(attempt.provider_units), ordered.unit_micro_usd))


def booked_at_claim(attempt: Attempt, candidates: Sequence[Candidate]) -> int:
    """What the provider's budget booked at the claim, in millionths of a USD: the most that the order can cost, 0 for
    an attempt carried over from another job, which booked it.
    """
    return 0 if attempt.staged_at is not None else candidates[attempt.candidate].cost_micro_usd


def _length_ms(tracks: Sequence[Track]) -> int:
    return sum(track.duration_ms for track in tracks)


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
    there = {**attempt.delivered, **{track.number: track.provider_sha256 for track in tracks}}
    return next((other for other, known in there.items() if known == sha256 and other != number), None)
