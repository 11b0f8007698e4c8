"""The spending of a provider's day in DynamoDB: `BUDGET#<provider>`/<day> with `spent` (what is taken), `handed` and
`budget`, and shards `BUDGET#<provider>#<shard>`/<day> with `spent` (what they booked), `room` and `budget`.

A table of an earlier release has the first item alone, with `spent`; what such a release books there is counted.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Final

from fermata.adapters.dynamodb.items import Item
from fermata.adapters.dynamodb.reading import read, read_or
from fermata.adapters.dynamodb.transactions import DynamoTransactions, Write
from fermata.domain.orders.idempotency import seconds
from fermata.domain.providers.budget_shares import (
    SHARDS,
    DayBudget,
    Share,
    has_room,
    shard_of,
    to_hand_out,
    total_of,
)
from fermata.domain.providers.spending import BUDGET_KEPT_FOR, Booking
from fermata.errors import TransientError

BUDGET: Final = "budget"
"""Name of the part of a transaction that takes from a day's budget."""

_SHARE: Final = "share"
_TRIES: Final = 10
_BEYOND: Final = 10**15
_NEW: Final = "attribute_not_exists(pk)"
_IN_ROOM: Final = "#budget = :budget AND #room >= :more"
_UNBOUND: Final = "#budget = :budget"
_ENOUGH: Final = "#room >= :more"
_LEFT: Final = "#budget = :budget AND #spent <= :limit"
_HAD: Final = "#room >= :least"
_SAME_SHARE: Final = "#spent = :read_spent AND #room = :read_room"
_SAME_DAY: Final = "#spent = :read_spent AND #handed = :read_handed"
_SAME_OLDER_DAY: Final = "#spent = :read_spent AND attribute_not_exists(#handed)"
_BOOK: Final = "SET #ttl = :ttl ADD #spent :booked, #room :room"
_HAND_OUT: Final = "SET #ttl = :ttl ADD #spent :handed, #handed :handed"
_COUNT_SHARE: Final = "SET #spent = :spent , #room = :room , #budget = :budget , #ttl = :ttl"
_COUNT_DAY: Final = "SET #spent = :spent , #handed = :handed , #budget = :budget , #ttl = :ttl"

Key = tuple[str, str]


def budget_keys(provider: str, day: date) -> list[Key]:
    """The keys of a day's item and of its shards, in this order."""
    shards = (f"BUDGET#{provider}#{shard}" for shard in range(SHARDS))
    return [(partition, day.isoformat()) for partition in (f"BUDGET#{provider}", *shards)]


def spent_in(keys: Iterable[Key], found: Mapping[Key, Item]) -> int:
    """The spending of a day from the items at its `budget_keys`; beyond every budget where one cannot be read, so that
    nobody spends more and the other providers go on.
    """
    items = [found.get(key, {}) for key in keys]
    return read_or(_BEYOND, lambda: total_of(_day(items[0]), [_share(item) for item in items[1:]]))


def write_booked(
    job_id: str, writes: Mapping[str, Write], booking: Booking, budget: int | None, transactions: DynamoTransactions
) -> Mapping[str, Item]:
    """Write all parts and book the amount in the job's shard in one transaction, or nothing. `budget` is what a claim
    has to keep (0: none), None for a correction, which is booked in any case.

    Returns the parts whose condition did not hold, `BUDGET` among them where the budget does not suffice; all shards
    were then counted in one decision. Raises `TransientError` and `UnreadableRecordError`.
    """
    books = _Books(job_id, booking, budget, transactions)
    deadline = transactions.deadline()
    for _ in range(_TRIES):
        parts = books.of_few_items() or books.of_all_items(deadline)
        if parts is None:
            continue
        failed = transactions.write({**writes, **parts}, deadline)
        others = {name: item for name, item in failed.items() if name not in parts}
        if others or not failed:
            return others
        if parts.keys() == {BUDGET}:
            return {BUDGET: {}}
    raise TransientError(f"the budget of {booking.provider} changed {_TRIES} times while it was written; try again")


class _Books:
    """The parts of a transaction that make one booking."""

    def __init__(self, job_id: str, booking: Booking, budget: int | None, transactions: DynamoTransactions) -> None:
        self._own = shard_of(job_id)
        self._more = booking.micro_usd
        self._budget = budget
        self._transactions = transactions
        self._keys = budget_keys(booking.provider, booking.day)
        self._ttl = seconds(datetime.combine(booking.day, time(), UTC) + BUDGET_KEPT_FOR)

    def of_few_items(self) -> dict[str, Write] | None:
        """Book in the job's shard, perhaps from what the day hands to it; None where that does not suffice."""
        if self._more < 0:
            return self._take(None, {})
        day, (share,) = self._read([self._keys[0], self._keys[1 + self._own]])
        if self._budget is None:
            return self._take(_ENOUGH, {":more": self._more}) if share.room >= self._more else None
        values: Item = {":budget": self._budget}
        if not has_room(share, self._more, self._budget):
            handed = to_hand_out(day, share, self._more, self._budget)
            return None if handed is None else self._hand_out(handed, values)
        return self._take(_IN_ROOM, {**values, ":more": self._more}) if self._budget else self._take(_UNBOUND, values)

    def of_all_items(self, deadline: float) -> dict[str, Write] | None:
        """Count all shards, take back what is left in them, and book. Where the budget does not suffice, the shards are
        counted here, and what is returned fails unless something comes back meanwhile. None where another run wrote.
        """
        day, shares = self._read(self._keys)
        budget = self._budget
        if not budget or total_of(day, shares) + self._more <= budget:
            return self._counted(day, shares, self._more)
        if self._transactions.write(self._counted(day, shares, 0), deadline):
            return None
        values = {":budget": budget, ":limit": budget - self._more, ":booked": self._more, ":ttl": self._ttl}
        return {BUDGET: self._change(0, "SET #ttl = :ttl ADD #spent :booked", _LEFT, values)}

    def _take(self, condition: str | None, values: Item) -> dict[str, Write]:
        booked = {":booked": self._more, ":room": -self._more, ":ttl": self._ttl}
        return {_SHARE: self._change(1 + self._own, _BOOK, condition, {**values, **booked})}

    def _hand_out(self, handed: int, values: Item) -> dict[str, Write]:
        of_day = {**values, ":limit": values[":budget"] - handed, ":handed": handed, ":ttl": self._ttl}
        of_share = {
            ":least": self._more - handed,
            ":booked": self._more,
            ":room": handed - self._more,
            ":ttl": self._ttl,
        }
        return {
            BUDGET: self._change(0, _HAND_OUT, _LEFT, of_day),
            _SHARE: self._change(1 + self._own, _BOOK, _HAD, of_share),
        }

    def _counted(self, day: DayBudget, shares: Sequence[Share], more: int) -> dict[str, Write]:
        budget = self._budget if self._budget is not None else day.budget or 0
        booked = [share.booked + (more if shard == self._own else 0) for shard, share in enumerate(shares)]
        now = {":budget": budget, ":ttl": self._ttl}
        of_day = {**now, ":spent": total_of(day, shares) + more, ":handed": sum(booked)}
        parts = {BUDGET: self._change(0, _COUNT_DAY, *_unchanged_day(day, of_day))}
        for shard, share in enumerate(shares):
            of_share = {**now, ":spent": booked[shard], ":room": 0}
            part = self._change(1 + shard, _COUNT_SHARE, *_unchanged_share(share, of_share))
            parts[f"{_SHARE} {shard}"] = part
        return parts

    def _change(self, of: int, expression: str, condition: str | None, values: Item) -> Write:
        return self._transactions.update(*self._keys[of], expression, condition, values)

    def _read(self, keys: Sequence[Key]) -> tuple[DayBudget, list[Share]]:
        found = {(item["pk"], item["sk"]): item for item in self._transactions.get_all(keys)}
        day, *shares = (found.get(key, {}) for key in keys)
        return _day(day), [_share(item) for item in shares]


def _unchanged_day(day: DayBudget, values: Item) -> tuple[str, Item]:
    """The condition that a day is as it was read, and the values that it needs beside these."""
    if not day.exists:
        return _NEW, values
    if day.handed is None:
        return _SAME_OLDER_DAY, {**values, ":read_spent": day.taken}
    return _SAME_DAY, {**values, ":read_spent": day.taken, ":read_handed": day.handed}


def _unchanged_share(share: Share, values: Item) -> tuple[str, Item]:
    if not share.exists:
        return _NEW, values
    return _SAME_SHARE, {**values, ":read_spent": share.booked, ":read_room": share.room}


def _day(item: Item) -> DayBudget:
    if not item:
        return DayBudget()
    return read(
        item,
        lambda stored: DayBudget(int(stored["spent"]), _whole(stored, "handed"), _whole(stored, "budget"), exists=True),
    )


def _share(item: Item) -> Share:
    if not item:
        return Share()
    return read(
        item, lambda stored: Share(int(stored["spent"]), int(stored["room"]), _whole(stored, "budget"), exists=True)
    )


def _whole(item: Item, name: str) -> int | None:
    return int(item[name]) if name in item else None
