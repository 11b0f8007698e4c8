"""What an order would cost and take."""

from datetime import datetime
from typing import Literal

from fermata.api.responses.body import Body, Credits
from fermata.api.responses.job import Expectation
from fermata.domain.orders.candidates import OrderPlan


class Quote(Body):
    """What an order would cost and take; `hold_credits` is what it would hold until it is done."""

    object: Literal["quote"]
    model: str
    fallbacks: list[str]
    price_credits: Credits
    hold_credits: Credits
    estimate: Expectation

    @classmethod
    def of(cls, plan: OrderPlan, now: datetime) -> "Quote":
        """The requested model's price, and what would be held for the whole chain, if the order came now."""
        return cls.model_construct(
            object="quote",
            model=plan.chain[0].model,
            fallbacks=[candidate.model for candidate in plan.chain[1:]],
            price_credits=plan.chain[0].price_credits,
            hold_credits=plan.hold_credits,
            estimate=Expectation.of(plan.estimate, now),
        )
