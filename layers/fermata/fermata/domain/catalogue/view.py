"""The public view of the catalogue: each model with its estimated latency and availability, chosen and sorted."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from fermata.domain.catalogue.models import Catalogue, Estimate, Model
from fermata.domain.catalogue.units import Kind
from fermata.errors import FieldError, InvalidRequestError

Sort = Literal["price", "p50_s"]
"""What models can be sorted by: the price of one unit, or the median latency."""


@dataclass(frozen=True)
class ModelView:
    """A model on offer, its estimated latency, and whether it can be ordered at the moment."""

    model: Model
    estimate: Estimate
    is_available: bool


_ORDERS: Final[Mapping[Sort, Callable[[ModelView], tuple[int, int, str]]]] = {
    "price": lambda view: (view.model.price_credits, view.estimate.p50_s, view.model.id),
    "p50_s": lambda view: (view.estimate.p50_s, view.model.price_credits, view.model.id),
}


@dataclass(frozen=True)
class ModelQuery:
    """Which models a caller wants to see: of one kind or of all, and in which order; None is the catalogue's."""

    kind: Kind | None = None
    sort: Sort | None = None

    def of(self, views: Iterable[ModelView]) -> tuple[ModelView, ...]:
        """The wanted ones of these models in the wanted order; equal ones by price, P50 and id."""
        found = [view for view in views if self.kind in (None, view.model.kind)]
        return tuple(found if self.sort is None else sorted(found, key=_ORDERS[self.sort]))


EVERY_MODEL: Final = ModelQuery()


def parse_model_query(parameters: Mapping[str, str]) -> ModelQuery:
    """The query of the parameters `kind` and `sort`; raises `InvalidRequestError` naming each wrong one."""
    kind, sort = parameters.get("kind"), parameters.get("sort")
    found = ModelQuery(
        next((each for each in get_args(Kind) if each == kind), None),
        next((each for each in get_args(Sort) if each == sort), None),
    )
    wrong = [
        FieldError(f"/{name}", "must be one of " + ", ".join(get_args(allowed)))
        for name, sent, parsed, allowed in (("kind", kind, found.kind, Kind), ("sort", sort, found.sort, Sort))
        if sent != parsed
    ]
    if wrong:
        raise InvalidRequestError(wrong)
    return found


def model_views(
    catalogue: Catalogue, learned: Mapping[str, Estimate], is_available: Callable[[Model], bool]
) -> tuple[ModelView, ...]:
    """Every model on offer, in the catalogue's order. `learned` replaces the catalogue's estimates by model id;
    `is_available` returns whether a model can be ordered at the moment.
    """
    return tuple(
        ModelView(model, learned.get(model.id, model.estimate), is_available(model)) for model in catalogue.models
    )
