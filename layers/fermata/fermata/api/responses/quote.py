"""The price and the estimate of an order."""

from datetime import datetime
from typing import Literal

from fermata.api.responses.body import Body, Credits
from fermata.api.responses.job import Expectation
from fermata.domain.orders.candidates import OrderPlan


class Quote(Body):
    """The price and the estimate of an order. `hold_credits` is the amount that it would hold until it ends."""

    object: Literal["quote"]
    model: str
    fallbacks: list[str]
    price_credits: Credits
    hold_credits: Credits
    estimate: Expectation

    @classmethod
    def of(cls, plan: OrderPlan, now: datetime) -> "Quote":
        """The requested model's price and the hold for the whole chain, if ordered now."""
        return cls.model_construct(
            object="quote",
            model=plan.chain[0].model,
            fallbacks=[candidate.model for candidate in plan.chain[1:]],
            price_credits=plan.chain[0].price_credits,
            hold_credits=plan.hold_credits,
            estimate=Expectation.of(plan.estimate, now),
        )
