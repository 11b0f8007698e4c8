"""The settings of a provider that an operator may change: its address, its rate limits and its daily budget."""

from decimal import Decimal
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from fermata.domain.providers.queue import Limits
from fermata.domain.providers.spending import micro_usd

Value = TypeVar("Value")


def _no_boolean(value: Value) -> Value:
    if isinstance(value, bool):
        # Otherwise `true` would count as the number 1.
        raise ValueError("must be a number")
    return value


Rpm = Annotated[int, Field(ge=1, le=60_000), BeforeValidator(_no_boolean)]
Concurrency = Annotated[int, Field(ge=1, le=20_000), BeforeValidator(_no_boolean)]
DailyBudgetUsd = Annotated[Decimal, Field(ge=0, le=1_000_000), BeforeValidator(_no_boolean)]


class _Settings(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", hide_input_in_errors=True)


class ProviderChanges(_Settings):
    """The operator's changes of a provider's settings; None keeps the catalogue's value."""

    base_url: str | None = None
    rpm: Rpm | None = None
    concurrency: Concurrency | None = None
    daily_budget_usd: DailyBudgetUsd | None = None

    def then(self, later: "ProviderChanges") -> "ProviderChanges":
        """Return these changes, overridden by the later ones."""
        return self.model_copy(update=later.as_set())

    def as_set(self) -> dict[str, object]:
        """Return the changed settings by name."""
        return {name: value for name, value in self if value is not None}


class ProviderSettings(_Settings):
    """The settings of a provider. `base_url` is its API's origin. At most `rpm` orders start in a minute, and at most
    `concurrency` orders run at the same time. The orders of a UTC day may cost `daily_budget_usd`; 0 means no limit.
    """

    base_url: str
    rpm: Rpm
    concurrency: Concurrency
    daily_budget_usd: DailyBudgetUsd

    def changed_by(self, changes: ProviderChanges) -> "ProviderSettings":
        """Return the settings with the operator's changes."""
        return self.model_copy(update=changes.as_set())

    @property
    def origin(self) -> str:
        """The base URL without a slash at its end."""
        return self.base_url.rstrip("/")

    @property
    def limits(self) -> Limits:
        """The limits of the provider's queue."""
        return Limits.per_minute(self.rpm, self.concurrency)

    @property
    def budget_micro_usd(self) -> int:
        """The daily budget in millionths of a USD; 0 means no limit."""
        return micro_usd(self.daily_budget_usd)
