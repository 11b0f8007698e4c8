"""The counters of capped keys in DynamoDB: `KEY#<counter id>` in the wallet's partition, where every function that
moves credits may write. An order without a capped key reads and writes none.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from fermata.adapters.dynamodb.items import Item
from fermata.adapters.dynamodb.reading import read, readable
from fermata.adapters.dynamodb.transactions import DynamoTransactions, Write
from fermata.domain.money.key_counter import KeyCounter, empty_counter
from fermata.domain.money.movement import Movement

KEY_COUNTER: Final = "key counter"
"""Name of the part of a transaction that changes the counter."""

_SORT_KEY: Final = "KEY#"
_SAME_MONTH: Final = "#month = :read_month"
_ADD: Final = "ADD #held :held, #spent_in_month :spent, #committed :committed"
_TURN: Final = "SET #month = :month, #spent_in_month = :spent, #committed = #held + :committed ADD #held :held"


class DynamoKeyCounters:
    """`KeyCounters` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions

    def of(self, tenant_id: str, counter_ids: Collection[str]) -> dict[str, KeyCounter]:
        """The counters that exist among these ids; raises `TransientError`."""
        items = self._transactions.get_all([counter_key(tenant_id, each) for each in sorted(counter_ids)])
        return dict(readable(items, lambda item: (_counter_id(item), KeyCounter.model_validate(item))))

    def find(self, tenant_id: str, counter_id: str) -> KeyCounter | None:
        """The counter, or None; raises `TransientError`."""
        # A single read, for which whoever may hold credits has the right.
        item = self._transactions.get(*counter_key(tenant_id, counter_id))
        return None if item is None else read(item, KeyCounter.model_validate)


class KeyCount:
    """One movement's part in the counter of its key; no part at all if no capped key made the order."""

    def __init__(self, movement: Movement, transactions: DynamoTransactions) -> None:
        self._movement = movement
        self._transactions = transactions
        self._stored: Item | None = None
        if movement.key_cap is not None:
            self._stored = transactions.get(*counter_key(movement.tenant_id, movement.key_cap.counter_id))

    def writes(self) -> dict[str, Write]:
        """The part that counts the movement, by name; raises `KeyLimitError` for a hold beyond the cap. It fails if
        another run moved the counter to another month, or used up what the hold needs.
        """
        movement, cap = self._movement, self._movement.key_cap
        if cap is None:
            return {}
        before = None if not self._stored else read(self._stored, KeyCounter.model_validate)
        after = (before or empty_counter(movement.at)).after(movement, cap)
        if before is None:
            change = _begin(after)
        elif after.month == before.month:
            change = _add(before)
        else:
            change = _turn(before, after)
        values = {":held": movement.held, ":spent": movement.spent, ":committed": movement.held + movement.spent}
        condition, values = change.condition, {**change.values, **values}
        if movement.is_hold and before is not None:
            condition = f"{condition} AND {change.committed} <= :limit"
            values[":limit"] = cap.monthly_credits - movement.to_hold
        place = counter_key(movement.tenant_id, cap.counter_id)
        return {KEY_COUNTER: self._transactions.update(*place, change.expression, condition, values)}

    def is_stale(self, failed: dict[str, Item]) -> bool:
        """Take the counter's current item out of the failed parts; True if it was there, so that `writes` decides
        again.
        """
        if KEY_COUNTER not in failed:
            return False
        self._stored = failed.pop(KEY_COUNTER)
        return True


def _counter_id(item: Item) -> str:
    return str(item["sk"]).removeprefix(_SORT_KEY)


def counter_key(tenant_id: str, counter_id: str) -> tuple[str, str]:
    """The partition and sort key of a counter."""
    return f"WALLET#{tenant_id}", f"{_SORT_KEY}{counter_id}"


@dataclass(frozen=True)
class _Change:
    """How a counter changes, and the attribute that holds the credits that count before it."""

    expression: str
    condition: str
    committed: str
    values: Item


def _begin(after: KeyCounter) -> _Change:
    return _Change(f"SET #month = :month {_ADD}", "attribute_not_exists(#month)", "", {":month": after.month})


def _add(before: KeyCounter) -> _Change:
    return _Change(_ADD, _SAME_MONTH, "#committed", {":read_month": before.month})


def _turn(before: KeyCounter, after: KeyCounter) -> _Change:
    months = {":read_month": before.month, ":month": after.month}
    return _Change(_TURN, _SAME_MONTH, "#held", months)
