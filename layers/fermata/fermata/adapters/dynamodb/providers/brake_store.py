"""Pauses and budgets in DynamoDB: `PAUSE#<provider, or all>`/`PAUSE` has `since` during a pause and
`daily_budget` while the operator's command sets one: one item holds both, so that a budget that was set costs an order
no read.

A claim reads the pauses right before its transaction, which updates the spending under a condition. A check within the
transaction would be a write of an item that all claims of all jobs share.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from fermata.adapters.dynamodb.items import Item
from fermata.adapters.dynamodb.providers.budget_shards import BUDGET, budget_keys, spent_in
from fermata.adapters.dynamodb.reading import read, read_or
from fermata.adapters.dynamodb.transactions import DynamoTransactions, Write
from fermata.domain.providers.spending import EVERY_PROVIDER, NEW_ORDERS, PauseAndBudget
from fermata.errors import ProviderHeldError

_PAUSE: Final = "PAUSE"
_RUNS: Final = "attribute_not_exists(#since)"
_PAUSED: Final = "attribute_exists(#since)"
_PAUSED_ALONE: Final = "attribute_exists(#since) AND attribute_not_exists(#daily_budget)"
_SET: Final = "attribute_exists(#daily_budget)"
_SET_ALONE: Final = "attribute_exists(#daily_budget) AND attribute_not_exists(#since)"
_LEAST: Final = 1


class DynamoBrakeStore:
    """`BrakeStore` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions

    def load(self, providers: Collection[str], day: date) -> Mapping[str, PauseAndBudget]:
        """The pauses and the day's spending of several providers, read consistently. Raises `TransientError`."""
        pauses = [_pause(name) for name in (*providers, EVERY_PROVIDER)]
        keys_of = {provider: budget_keys(provider, day) for provider in providers}
        found = self._read([*pauses, *(of_day for of_day, *_ in keys_of.values())])
        # Most providers booked nothing today, and have neither the day's item nor shards.
        found |= self._read([key for of_day, *shards in keys_of.values() if of_day in found for key in shards])
        return {provider: _pause_and_budget(provider, day, found) for provider in providers}

    def pause(self, name: str, now: datetime) -> bool:
        """Pause a provider, or all; False where it is already paused. A claim that read the pauses before is written
        still.
        """
        values = {":now": now.isoformat()}
        return self._write(self._transactions.update(*_pause(name), "SET #since = :now", _RUNS, values))

    def resume(self, name: str) -> bool:
        """End a pause; False where there is none."""
        return self._remove(name, "REMOVE #since", _PAUSED, _PAUSED_ALONE)

    def paused_since(self, name: str) -> datetime | None:
        """When the pause of this name began, or None."""
        items = self._transactions.get_all([_pause(name)])
        return next((_since(item) for item in items if "since" in item), None)

    def set_budget(self, provider: str, micro_usd: int | None) -> None:
        """Set the daily budget, or let the deployed one hold again."""
        if micro_usd is None:
            self._remove(provider, "REMOVE #daily_budget", _SET, _SET_ALONE)
            return
        expression, values = "SET #daily_budget = :budget", {":budget": micro_usd}
        self._write(self._transactions.update(*_pause(provider), expression, None, values))

    def _read(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Item]:
        return {(item["pk"], item["sk"]): item for item in self._transactions.get_all(keys)}

    def _remove(self, name: str, expression: str, there: str, alone: str) -> bool:
        """Remove an attribute, or the item where it has no other; False where the attribute is not there."""
        delete = self._transactions.delete(*_pause(name), alone)
        return self._write(delete) or self._write(self._transactions.update(*_pause(name), expression, there, {}))

    def _write(self, part: Write) -> bool:
        return not self._transactions.write({"controls": part}, self._transactions.deadline())


def drain_key() -> tuple[str, str]:
    """The key of the item that says whether new orders are refused."""
    return _pause(NEW_ORDERS)


def is_draining(item: Item) -> bool:
    """Whether the item of `drain_key` refuses new orders."""
    return "since" in item


def paused_by(provider: str, transactions: DynamoTransactions) -> str | None:
    """The name of the pause that holds a provider, by a consistent read that writers do not contend with; or None."""
    items = transactions.get_all([_pause(name) for name in (provider, EVERY_PROVIDER)])
    paused = {item["pk"] for item in items if "since" in item}
    return next((name for name in (provider, EVERY_PROVIDER) if _pause(name)[0] in paused), None)


def refuse_if_spent(failed: Mapping[str, object], provider: str) -> None:
    """Raise `ProviderHeldError` where `BUDGET` is among the failed parts."""
    if BUDGET in failed:
        raise ProviderHeldError(provider, None)


def _pause_and_budget(provider: str, day: date, found: Mapping[tuple[str, str], Item]) -> PauseAndBudget:
    paused_by = tuple(name for name in (provider, EVERY_PROVIDER) if "since" in found.get(_pause(name), {}))
    spent = spent_in(budget_keys(provider, day), found)
    return PauseAndBudget(provider, day, paused_by, spent, _set_budget(found.get(_pause(provider), {})))


def _since(item: Item) -> datetime:
    return read(item, lambda stored: datetime.fromisoformat(stored["since"]))


def _set_budget(item: Item) -> int | None:
    """The daily budget that was set, in micro-USD, or None; one that nothing fits into where it cannot be read."""
    if "daily_budget" not in item:
        return None
    return read_or(_LEAST, lambda: read(item, lambda stored: int(stored["daily_budget"])))


def _pause(name: str) -> tuple[str, str]:
    return f"PAUSE#{name}", _PAUSE
