"""Where a booking takes from a provider's budget of a day, which is spread over shards so that no record is in every
claim. Amounts are whole micro-USD.

A day's record says what is taken: booked there, or handed out to shards. A shard has booked what it was handed, or has
it left as its room. So whoever books from a room, or is handed more while what is taken stays within the budget, cannot
exceed the budget, and needs one or two records for it. Only where neither suffices all shards are counted, in one
decision.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SHARDS: Final = 16
"""How many shards a day's spending has, and how many records say whether a provider is paused."""
_CLAIMS_AHEAD: Final = 16


@dataclass(frozen=True)
class DayBudget:
    """The record of a day: what is taken, and how much of it was handed to shards, None in a record without shards.
    `budget` is the one under which all shards were counted last, 0 for none, None if they never were.
    """

    taken: int = 0
    handed: int | None = None
    budget: int | None = None
    exists: bool = False


@dataclass(frozen=True)
class Share:
    """The record of one shard: what it booked, and its room, which claims under its `budget` may use."""

    booked: int = 0
    room: int = 0
    budget: int | None = None
    exists: bool = False


def shard_of(job_id: str) -> int:
    """The shard of a job, from 0; the same in every process."""
    return zlib.crc32(job_id.encode()) % SHARDS


def total_of(day: DayBudget, shares: Sequence[Share]) -> int:
    """What claims and corrections booked on a day. The records may have been read at different moments: what moves
    between a day and its shards changes no sum.
    """
    return day.taken - (day.handed or 0) + sum(share.booked for share in shares)


def has_room(share: Share, micro_usd: int, budget: int) -> bool:
    """Whether a claim may book the amount in a shard alone; without a budget (0) it may book any."""
    return share.budget == budget and (not budget or share.room >= micro_usd)


def to_hand_out(day: DayBudget, share: Share, micro_usd: int, budget: int) -> int | None:
    """How much the day hands to a shard that books this amount: enough for some claims more while there is plenty, no
    more than for this one when there is little. None where the day cannot, and all shards have to be counted.
    """
    least, left = micro_usd - share.room, budget - day.taken
    if not budget or day.budget != budget or left < least:
        return None
    return max(least, min(_CLAIMS_AHEAD * micro_usd, left // (2 * SHARDS)))
