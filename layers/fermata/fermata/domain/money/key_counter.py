"""What the orders of one capped key cost in a month: the counter behind `KeyCap`."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from fermata.domain.money.movement import Movement
from fermata.domain.tenants.key_cap import KeyCap
from fermata.domain.tenants.plan_limits import left_of_month_s, month_of
from fermata.limit_errors import KeyLimitError


class KeyCounter(BaseModel):
    """The credits of a key and its successors: held by open jobs, and spent in `month` ("2026-11", UTC)."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    month: str
    held: int = 0
    spent_in_month: int = 0

    @property
    def committed(self) -> int:
        """Credits that count in the cap."""
        return self.spent_in_month + self.held

    def in_month_of(self, moment: datetime) -> "KeyCounter":
        """This counter in the month of `moment`; unchanged for an earlier month."""
        month = month_of(moment)
        return self if month <= self.month else self.model_copy(update={"month": month, "spent_in_month": 0})

    def after(self, movement: Movement, cap: KeyCap) -> "KeyCounter":
        """This counter after the movement of an order of the key. A hold raises `KeyLimitError` beyond the cap."""
        counter = self.in_month_of(movement.at)
        if movement.is_hold and counter.committed + movement.to_hold > cap.monthly_credits:
            left = cap.monthly_credits - counter.committed
            raise KeyLimitError(cap.monthly_credits, left, movement.to_hold, left_of_month_s(movement.at))
        held, spent = counter.held + movement.held, counter.spent_in_month + movement.spent
        return counter.model_copy(update={"held": held, "spent_in_month": spent})


def empty_counter(now: datetime) -> KeyCounter:
    """The counter of a key without orders."""
    return KeyCounter(month=month_of(now))
