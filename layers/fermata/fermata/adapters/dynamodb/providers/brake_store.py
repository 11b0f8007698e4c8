"""Pauses and budgets in DynamoDB: `PAUSE#<provider, or all>`/`PAUSE` has `since` during a pause and
`daily_budget` while the operator's command sets one: one item holds both, so that a budget that was set costs an order
no read. `PAUSE#<provider, or all>#<copy>`/`PAUSE` repeats the pause.

The transaction of a claim checks the pauses and updates the spending, so no claim bypasses them. Each job checks the
copy of its shard, so that the claims of all tenants do not meet in one item. The first item decides: a copy changes
only while it agrees.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from fermata.adapters.dynamodb.items import Item
from fermata.adapters.dynamodb.providers.budget_shards import BUDGET, budget_keys, spent_in
from fermata.adapters.dynamodb.reading import read, read_or
from fermata.adapters.dynamodb.transactions import DynamoTransactions, Write
from fermata.domain.providers.budget_shares import SHARDS, shard_of
from fermata.domain.providers.spending import EVERY_PROVIDER, NEW_ORDERS, PauseAndBudget
from fermata.errors import ProviderHeldError

_PAUSE: Final = "PAUSE"
_CONTROLS: Final = "controls"
_RUNS: Final = "attribute_not_exists(#since)"
_PAUSED: Final = "attribute_exists(#since)"
_PAUSED_ALONE: Final = "attribute_exists(#since) AND attribute_not_exists(#daily_budget)"
_SET: Final = "attribute_exists(#daily_budget)"
_SET_ALONE: Final = "attribute_exists(#daily_budget) AND attribute_not_exists(#since)"
_STILL: Final = "#since = :since"
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
        """Pause a provider, or all; False where it is already paused. A concurrent claim is written before this returns
        or fails.
        """
        update = self._transactions.update(*_pause(name), "SET #since = :now", _RUNS, {":now": now.isoformat()})
        before = self._transactions.write({_CONTROLS: update}, self._transactions.deadline())
        since = before[_CONTROLS]["since"] if before else now.isoformat()
        self._copy(name, "SET #since = :since", _STILL, {":since": since})
        return not before

    def resume(self, name: str) -> bool:
        """End a pause; False where there is none. What an interrupted command left of a pause is ended, too."""
        changed = self._remove(name, "REMOVE #since", _PAUSED, _PAUSED_ALONE)
        self._copy(name, "REMOVE #since", _RUNS, {})
        return changed

    def _copy(self, name: str, expression: str, decided: str, values: Item) -> None:
        """Change the copies of a pause while the first item is so; another command has changed it otherwise."""
        # No claim checks whether new orders are taken.
        for copy in range(1, SHARDS if name != NEW_ORDERS else 1):
            writes = {
                "decided": self._transactions.check(*_pause(name), decided, values),
                "copy": self._transactions.update(*_pause(name, copy), expression, None, values),
            }
            if self._transactions.write(writes, self._transactions.deadline()):
                return

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
        return not self._transactions.write({_CONTROLS: part}, self._transactions.deadline())


def drain_key() -> tuple[str, str]:
    """The key of the item that says whether new orders are refused."""
    return _pause(NEW_ORDERS)


def is_draining(item: Item) -> bool:
    """Whether the item of `drain_key` refuses new orders."""
    return "since" in item


def checks_of(provider: str, job_id: str, transactions: DynamoTransactions) -> dict[str, Write]:
    """The parts of a job's transaction that make it fail while a provider is paused."""
    return {name: transactions.check(*_pause(name, shard_of(job_id)), _RUNS) for name in (provider, EVERY_PROVIDER)}


def refuse_if_held(failed: Mapping[str, object], provider: str) -> None:
    """Raise `ProviderHeldError` where a part of `checks_of`, or `BUDGET`, is among the failed parts."""
    paused_by = next((name for name in (provider, EVERY_PROVIDER) if name in failed), None)
    if paused_by is not None or BUDGET in failed:
        raise ProviderHeldError(provider, paused_by)


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


def _pause(name: str, copy: int = 0) -> tuple[str, str]:
    return f"PAUSE#{name}#{copy}" if copy else f"PAUSE#{name}", _PAUSE
