"""Everything of a provider that an operator may set: where it is called, how often, and what it may cost a day."""

from decimal import Decimal
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from fermata.domain.providers.queue import Limits
from fermata.domain.providers.spending import micro_usd

Value = TypeVar("Value")


def _no_boolean(value: Value) -> Value:
    if isinstance(value, bool):
        # Else `true` would be the number 1.
        raise ValueError("must be a number")
    return value


Rpm = Annotated[int, Field(ge=1, le=60_000), BeforeValidator(_no_boolean)]
Concurrency = Annotated[int, Field(ge=1, le=1000), BeforeValidator(_no_boolean)]
DailyBudgetUsd = Annotated[Decimal, Field(ge=0, le=1_000_000), BeforeValidator(_no_boolean)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ProviderChanges(_Settings):
    """What an operator sets of a provider; what is None stays as the catalogue has it."""

    base_url: str | None = None
    rpm: Rpm | None = None
    concurrency: Concurrency | None = None
    daily_budget_usd: DailyBudgetUsd | None = None

    def then(self, later: "ProviderChanges") -> "ProviderChanges":
        """These changes, and after them the later ones."""
        return self.model_copy(update=later.as_set())

    def as_set(self) -> dict[str, object]:
        """The settings that are changed, by name."""
        return {name: value for name, value in self if value is not None}


class ProviderSettings(_Settings):
    """How a provider is used. `base_url` is its API's origin; `rpm` orders begin a minute and `concurrency` run at once
    at most; `daily_budget_usd` is what the orders of a day (UTC) may cost, 0 for no limit.
    """

    base_url: str
    rpm: Rpm
    concurrency: Concurrency
    daily_budget_usd: DailyBudgetUsd

    def changed_by(self, changes: ProviderChanges) -> "ProviderSettings":
        """The settings after an operator's changes."""
        return self.model_copy(update=changes.as_set())

    @property
    def origin(self) -> str:
        """The base URL without a slash at its end."""
        return self.base_url.rstrip("/")

    @property
    def limits(self) -> Limits:
        """What the provider's queue keeps to."""
        return Limits.per_minute(self.rpm, self.concurrency)

    @property
    def budget_micro_usd(self) -> int:
        """The budget of a day in millionths of a USD; 0 is none."""
        return micro_usd(self.daily_budget_usd)
