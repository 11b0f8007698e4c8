"""The price and the estimate of an order."""

from datetime import datetime
from typing import Literal

from fermata.api.responses.body import Body, Credits, Percent, Units
from fermata.api.responses.job import Expectation
from fermata.domain.catalogue.units import Kind, Unit
from fermata.domain.orders.candidates import OrderPlan


class Quote(Body):
    """The price and the estimate of an order. `price_credits` is `units` times `unit_credits`, less
    `discount_percent`, rounded up; it is the most that the requested model costs. `hold_credits` is the amount that the
    order would hold until it ends.
    """

    object: Literal["quote"]
    kind: Kind
    model: str
    fallbacks: list[str]
    units: Units
    unit: Unit
    unit_credits: Credits
    discount_percent: Percent
    price_credits: Credits
    hold_credits: Credits
    estimate: Expectation

    @classmethod
    def of(cls, plan: OrderPlan, now: datetime) -> "Quote":
        """The requested model's price and the hold for the whole chain, if ordered now."""
        first = plan.chain[0]
        return cls.model_construct(
            object="quote",
            kind=first.kind,
            model=first.model,
            fallbacks=[candidate.model for candidate in plan.chain[1:]],
            units=first.units,
            unit=first.unit,
            unit_credits=first.unit_credits,
            discount_percent=first.discount_percent,
            price_credits=first.price_credits,
            hold_credits=plan.hold_credits,
            estimate=Expectation.of(plan.estimate, now),
        )
