"""The operator's spending controls: a pause, and a budget per day (UTC), by provider. Amounts are whole micro-USD, so
that sums are exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged

EVERY_PROVIDER: Final = "all"
"""The name under which all providers are paused together."""
NEW_ORDERS: Final = "orders"
"""The name under which new orders are refused while the stack drains; no provider has it."""

BUDGET_KEPT_FOR: Final = timedelta(days=60)
"""How long after a day its spending can be read."""

_WAIT_FRACTION: Final = 8


class Booking(NamedTuple):
    """An amount that one write adds to a provider's spending on a day; negative if it is returned."""

    provider: str
    day: date
    micro_usd: int


@dataclass(frozen=True)
class Blocked:
    """Why the operator's controls block an order now. `until` is when the block ends without the operator, if known."""

    code: str
    message: str
    until: datetime | None

    def as_failure(self) -> Failure:
        """The failure of a blocked order; no provider was called."""
        return Failure(
            failure_class=FailureClass.TRANSIENT,
            provider_charged=ProviderCharged.NO,
            message=self.message,
            code=self.code,
        )


@dataclass(frozen=True)
class PauseAndBudget:
    """The pause and the budget of one provider on one day. `paused_by` are the names under which it is paused: its own
    name, `EVERY_PROVIDER`, or both. `set_micro_usd` is the daily budget that the operator's command set, or None: then
    the deployed one holds. A budget of 0 means no budget.
    """

    provider: str
    day: date
    paused_by: Sequence[str] = ()
    spent_micro_usd: int = 0
    set_micro_usd: int | None = None

    def budget(self, deployed_micro_usd: int) -> int:
        """The daily budget that holds, in micro-USD."""
        return deployed_micro_usd if self.set_micro_usd is None else self.set_micro_usd

    def blocking(self, cost_micro_usd: int, deployed_micro_usd: int) -> Blocked | None:
        """The block of an order of this cost, or None."""
        if self.paused_by:
            return paused(self.provider, self.paused_by[0])
        budget_micro_usd = self.budget(deployed_micro_usd)
        if budget_micro_usd and self.spent_micro_usd + cost_micro_usd > budget_micro_usd:
            return budget_spent(self.provider, self.day)
        return None


def paused(provider: str, name: str) -> Blocked:
    """The block by a pause of this name."""
    message = f"the operator paused {provider}; nothing was paid; `admin resume {name}` lets orders go there again"
    return Blocked("provider_paused", message, None)


def budget_spent(provider: str, day: date) -> Blocked:
    """The block by an insufficient budget for a day."""
    message = (
        f"the operator's budget for {provider} on {day} (UTC) does not suffice for this order; nothing was paid; "
        f"order again the next day, or the operator raises it: `admin set-budget {provider} USD`"
    )
    return Blocked("budget_spent", message, datetime.combine(day + timedelta(days=1), time(), UTC))


def look_again_at(
    blocked: Blocked, created_at: datetime, order_by: datetime, shortest_s: int, now: datetime
) -> datetime | None:
    """When a blocked order checks again, or None if it cannot be made in time any more.

    The pauses grow with its waiting time; the last check comes `shortest_s` before `order_by`.
    """
    if blocked.until is not None and blocked.until >= order_by:
        return None
    last = order_by - timedelta(seconds=shortest_s)
    waited = (now - created_at) / _WAIT_FRACTION
    at = min(now + max(waited, timedelta(seconds=shortest_s)), last, blocked.until or last)
    return at if at > now else None


def booking(provider: str, ordered_at: datetime, micro_usd: int) -> Booking | None:
    """The booking of an order of that moment, or None if the amount is 0."""
    return Booking(provider, day_of(ordered_at), micro_usd) if micro_usd else None


def day_of(moment: datetime) -> date:
    """The UTC day of a moment, for budgets and limits; `str` gives its stored form."""
    return moment.astimezone(UTC).date()


def micro_usd(usd: Decimal) -> int:
    """An amount in USD as whole micro-USD, rounded towards zero."""
    return int(usd * 1_000_000)
