"""The price and the estimate of an order."""

from datetime import datetime
from typing import Literal

from fermata.api.responses.body import Body, Credits, ModelEstimate, Percent, Units
from fermata.api.responses.job import Expectation
from fermata.domain.catalogue.units import Kind, Unit
from fermata.domain.orders.candidates import Considered, OrderPlan


class QuoteCandidate(Body):
    """A model that an order for `auto` could ask. `price_credits` is the whole price of the order, null if the model
    does not accept the request. `why_not` says why it is not asked; null if it could be.
    """

    model: str
    price_credits: Credits | None
    estimate: ModelEstimate
    why_not: str | None

    @classmethod
    def of(cls, each: Considered) -> "QuoteCandidate":
        """The considered model as shown to callers."""
        return cls.model_construct(
            model=each.model,
            price_credits=each.candidate.price_credits if each.candidate else None,
            estimate=ModelEstimate.of(each.estimate),
            why_not=each.why_not,
        )


class Quote(Body):
    """The price and the estimate of an order. `price_credits` is `units` times `unit_credits`, less
    `discount_percent`, rounded up; it is the most that the first model costs. `hold_credits` is the amount that the
    order would hold until it ends. `candidates` are the models among which `auto` chose, the best first; null if the
    request names its model.
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
    candidates: list[QuoteCandidate] | None

    @classmethod
    def of(cls, plan: OrderPlan, now: datetime) -> "Quote":
        """The first model's price and the hold for the whole chain, if ordered now."""
        first, considered = plan.chain[0], plan.considered
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
            candidates=None if considered is None else [QuoteCandidate.of(each) for each in considered],
        )
