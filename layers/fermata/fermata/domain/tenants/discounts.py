"""A tenant's discount in percent, and its volume tiers: percentages by the credits spent in a calendar month (UTC)."""

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from fermata.domain.web.whole_number import WholeNumber

MAX_TIERS: Final = 20
MAX_TIER_FROM: Final = 1_000_000_000

DiscountPercent = Annotated[WholeNumber, Field(ge=0, le=100)]


class Tier(BaseModel):
    """The discount in percent of orders that are accepted once the month's spent credits have reached
    `from_credits`.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    from_credits: Annotated[WholeNumber, Field(ge=0, le=MAX_TIER_FROM)]
    percent: DiscountPercent


def _in_order(tiers: object) -> object:
    """Tiers by rising credits, so that equal terms are stored alike; raises `ValueError` for a repeated bound."""
    if not isinstance(tiers, Sequence) or isinstance(tiers, str):
        return tiers
    found = sorted((Tier.model_validate(each) for each in tiers), key=lambda tier: tier.from_credits)
    if len({tier.from_credits for tier in found}) < len(found):
        raise ValueError("must have one percentage for each FROM")
    return tuple(found)


Tiers = Annotated[tuple[Tier, ...], Field(max_length=MAX_TIERS), BeforeValidator(_in_order)]


class Discounts(BaseModel):
    """A plan's discounts. The larger one of `discount_percent` and of the reached tier applies to a whole order."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    discount_percent: DiscountPercent = 0
    tiers: Tiers = ()

    def percent_at(self, spent_in_month: int) -> int:
        """The discount of an order that is accepted when the month has this many spent credits."""
        reached = [tier.percent for tier in self.tiers if tier.from_credits <= spent_in_month]
        return max(self.discount_percent, reached[-1] if reached else 0)

    def step_around(self, spent_in_month: int) -> tuple[int, int | None]:
        """The spent credits between which the same tier is reached: from the first, to below the second if any."""
        bounds = [0, *(tier.from_credits for tier in self.tiers)]
        above = [bound for bound in bounds if bound > spent_in_month]
        return max(bound for bound in bounds if bound <= spent_in_month), min(above, default=None)
