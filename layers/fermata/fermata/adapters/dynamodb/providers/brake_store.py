"""Pauses and budgets in DynamoDB: `PAUSE#<provider, or all>`/`PAUSE` stands as long as the pause does,
`BUDGET#<provider>`/<day> holds what was spent.

A claim is written together with a check of the pauses and an update of the spending, so that none goes past them.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Final

from fermata.adapters.dynamodb.items import Item
from fermata.adapters.dynamodb.transactions import DynamoTransactions, Write
from fermata.domain.orders.idempotency import seconds
from fermata.domain.providers.spending import BUDGET_KEPT_FOR, EVERY_PROVIDER, Booking, PauseAndBudget
from fermata.errors import ProviderHeldError

_PAUSE: Final = "PAUSE"
_BUDGET: Final = "budget"
_NOT_THERE: Final = "attribute_not_exists(pk)"


class DynamoBrakeStore:
    """`BrakeStore` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions

    def load(self, providers: Collection[str], day: date) -> Mapping[str, PauseAndBudget]:
        """The brakes of several providers on a day, read consistently."""
        pauses = [_pause(name) for name in (*providers, EVERY_PROVIDER)]
        budgets = [_budget(provider, day) for provider in providers]
        items = self._transactions.get_all([*pauses, *budgets])
        found = {(item["pk"], item["sk"]): item for item in items}
        return {provider: _brakes(provider, day, found) for provider in providers}

    def pause(self, name: str, now: datetime) -> bool:
        """Let no order go there; a claim that is being written at the same time comes before or not at all."""
        put = self._transactions.put(_pause(name)[0], _PAUSE, {"since": now.isoformat()}, _NOT_THERE)
        return not self._transactions.write({"pause": put}, self._transactions.deadline())

    def resume(self, name: str) -> bool:
        """Take back the pause of this name."""
        delete = self._transactions.delete(_pause(name)[0], _PAUSE, "attribute_exists(pk)")
        return not self._transactions.write({"pause": delete}, self._transactions.deadline())


def checks_of(provider: str, transactions: DynamoTransactions) -> dict[str, Write]:
    """The parts of a transaction that let it pass only where a provider is not paused."""
    return {name: transactions.check(*_pause(name), _NOT_THERE) for name in (provider, EVERY_PROVIDER)}


def booked(booking: Booking | None, transactions: DynamoTransactions, budget_micro_usd: int = 0) -> dict[str, Write]:
    """The part of a transaction that books spending, unless that would go beyond a budget (0: none)."""
    if booking is None:
        return {}
    condition: str | None = None
    values: dict[str, Any] = {":more": booking.micro_usd, ":ttl": _forgotten_at(booking.day)}
    if budget_micro_usd:
        room = budget_micro_usd - booking.micro_usd
        # Nothing was booked yet on a day that is not there, and of what is not there no comparison holds.
        condition = "attribute_not_exists(#spent) OR #spent <= :room" if room >= 0 else "#spent <= :room"
        values[":room"] = room
    expression = "SET #ttl = :ttl ADD #spent :more"
    update = transactions.update(*_budget(booking.provider, booking.day), expression, condition, values)
    return {_BUDGET: update}


def refuse_if_held(failed: Mapping[str, object], provider: str) -> None:
    """Raise `ProviderHeldError` where a part of `checks_of` or `booked` is among those whose condition did not hold."""
    paused_by = next((name for name in (provider, EVERY_PROVIDER) if name in failed), None)
    if paused_by is not None or _BUDGET in failed:
        raise ProviderHeldError(provider, paused_by)


def _brakes(provider: str, day: date, found: Mapping[tuple[str, str], Item]) -> PauseAndBudget:
    paused_by = tuple(name for name in (provider, EVERY_PROVIDER) if _pause(name) in found)
    spent = found.get(_budget(provider, day), {}).get("spent", 0)
    return PauseAndBudget(provider, day, paused_by, int(spent))


def _pause(name: str) -> tuple[str, str]:
    return f"PAUSE#{name}", _PAUSE


def _budget(provider: str, day: date) -> tuple[str, str]:
    return f"BUDGET#{provider}", day.isoformat()


def _forgotten_at(day: date) -> int:
    return seconds(datetime.combine(day, time(), UTC) + BUDGET_KEPT_FOR)
