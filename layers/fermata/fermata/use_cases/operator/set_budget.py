"""Set a provider's daily budget until it is reset, without a deployment."""

from decimal import Decimal
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, JsonValue, StrictBool, model_validator

from fermata.domain.operator.provider_view import limit_usd
from fermata.domain.providers.settings import DailyBudgetUsd
from fermata.domain.providers.spending import micro_usd
from fermata.ports.providers import BrakeStore


class SetBudget(BaseModel):
    """Let the orders of a UTC day to a provider cost so many USD at most, whatever was deployed and will be, until
    `reset` lets the deployed budget hold again. 0 is no limit.
    """

    model_config = ConfigDict(defer_build=True, extra="forbid")

    action: Literal["set_budget"]
    provider: str
    daily_budget_usd: DailyBudgetUsd | None = None
    reset: StrictBool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.reset is (self.daily_budget_usd is not None):
            raise ValueError("expected either an amount in USD or a reset")
        return self


def set_budget(
    provider: str, amount_usd: Decimal | None, deployed_micro_usd: int, store: BrakeStore
) -> dict[str, JsonValue]:
    """The budget that holds now; None lets the deployed one hold again. The next order keeps it. Raises
    `TransientError`.
    """
    amount = None if amount_usd is None else micro_usd(amount_usd)
    store.set_budget(provider, amount)
    limit = deployed_micro_usd if amount is None else amount
    return {"provider": provider, "limit_usd": limit_usd(limit), "set": amount is not None}
