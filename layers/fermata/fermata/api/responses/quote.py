"""The price and the estimate of an order."""

from datetime import datetime
from typing import Literal

from fermata.api.responses.body import Body, Credits, ModelEstimate, Percent, Units
from fermata.api.responses.job import Expectation
from fermata.domain.catalogue.units import Kind, Unit
from fermata.domain.orders.candidates import Considered, OrderPlan


class QuoteCandidate(Body):
    """A model that an order for `auto` could ask."""

    model: str
    """The id of the model."""
    price_credits: Credits | None
    """The price of the whole order in credits; null if the model does not accept the request."""
    estimate: ModelEstimate
    """How long its songs take."""
    why_not: str | None
    """Why it is not asked; null if it could be."""

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
    """The price and the estimate of an order."""

    object: Literal["quote"]
    """What this is."""
    kind: Kind
    """What the order makes."""
    model: str
    """The model that is asked first; for `auto` the chosen one."""
    fallbacks: list[str]
    """The models that are asked next, in this order."""
    units: Units
    """How many units the order has, at most."""
    unit: Unit
    """What the model is sold by: an order's song, 1,000 Unicode code points of text, or a minute of audio."""
    unit_credits: Credits
    """The price of one unit in credits, before the discount."""
    discount_percent: Percent
    """Your discount in percent."""
    price_credits: Credits
    """The most that the first model costs, in credits: `units` times `unit_credits`, less the discount, rounded up."""
    hold_credits: Credits
    """The credits that the order would hold until it ends."""
    estimate: Expectation
    """How long the order would take, if ordered now."""
    candidates: list[QuoteCandidate] | None
    """The models among which `auto` chose, the best first; null if the request names its model."""

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
