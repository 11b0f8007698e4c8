"""What songs cost the operator, what tenants paid, and the margin between them, by tenant and model. Amounts in USD are
decimal text with six places.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from pydantic import JsonValue

from fermata.domain.money.reports.usage_log import UsageLine
from fermata.domain.web.formats import usd
from fermata.errors import FieldError, InvalidRequestError

MOST_JOBS: Final = 200_000
"""The most jobs of one answer."""

_MICRO: Final = Decimal("0.000001")


@dataclass(frozen=True)
class Spend:
    """The sums of jobs that ended: costs in millionths of a USD, certain and unknown, and what the budgets booked for
    them.
    """

    jobs: int = 0
    succeeded: int = 0
    credits: int = 0
    cost_micro_usd: int = 0
    unknown_micro_usd: int = 0
    booked_micro_usd: int = 0

    def plus(self, line: UsageLine) -> "Spend":
        """These sums with one more job. What was booked for a job from before that was kept is what it cost."""
        booked = line.booked_micro_usd
        costs = line.cost_micro_usd + line.unknown_micro_usd
        return replace(
            self,
            jobs=self.jobs + 1,
            succeeded=self.succeeded + line.succeeded,
            credits=self.credits + line.credits,
            cost_micro_usd=self.cost_micro_usd + line.cost_micro_usd,
            unknown_micro_usd=self.unknown_micro_usd + line.unknown_micro_usd,
            booked_micro_usd=self.booked_micro_usd + (costs if booked is None else booked),
        )

    def shown(self, credit_usd: Decimal | None) -> dict[str, JsonValue]:
        """The sums as the operator reads them. `booked_usd` is the upper bound that the budgets booked before the
        providers counted; `cost_usd` and `unknown_usd` are what the counts made of it. `margin_usd` is the revenue
        without the certain cost; both are null without a credit's value.
        """
        revenue = None if credit_usd is None else self.credits * credit_usd
        return {
            "jobs": self.jobs,
            "succeeded": self.succeeded,
            "credits": self.credits,
            "booked_usd": usd(self.booked_micro_usd),
            "cost_usd": usd(self.cost_micro_usd),
            "unknown_usd": usd(self.unknown_micro_usd),
            "revenue_usd": None if revenue is None else _usd(revenue),
            "margin_usd": None if revenue is None else _usd(revenue - self.cost_micro_usd * _MICRO),
        }


def spend_of(lines: Iterable[UsageLine], credit_usd: Decimal | None) -> dict[str, JsonValue]:
    """The sums of each tenant and model, sorted, of each model over all tenants, and of everything. A job counts with
    all of its attempts under the model with which it ended. Raises `InvalidRequestError` beyond `MOST_JOBS`.
    """
    by_tenant: dict[tuple[str, str], Spend] = {}
    by_model: dict[str, Spend] = {}
    total = Spend()
    for line in lines:
        if total.jobs == MOST_JOBS:
            few = f"must make at most {MOST_JOBS} jobs; ask for fewer days or for one tenant"
            raise InvalidRequestError([FieldError("/from_day", few)])
        place = (line.tenant_id, line.model)
        by_tenant[place] = by_tenant.get(place, Spend()).plus(line)
        by_model[line.model] = by_model.get(line.model, Spend()).plus(line)
        total = total.plus(line)
    return {
        "tenants": [
            {"tenant_id": tenant_id, "model": model, **spend.shown(credit_usd)}
            for (tenant_id, model), spend in sorted(by_tenant.items(), key=lambda item: item[0])
        ],
        "models": [
            {"model": model, **spend.shown(credit_usd)}
            for model, spend in sorted(by_model.items(), key=lambda item: item[0])
        ],
        "total": total.shown(credit_usd),
    }


def _usd(amount: Decimal) -> str:
    return str(amount.quantize(_MICRO))
