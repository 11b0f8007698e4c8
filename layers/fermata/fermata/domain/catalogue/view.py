"""The public view of the catalogue: each model with its estimated latency and availability."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fermata.domain.catalogue.models import Catalogue, Estimate, Model


@dataclass(frozen=True)
class ModelView:
    """A model on offer, its estimated latency, and whether it can be ordered at the moment."""

    model: Model
    estimate: Estimate
    is_available: bool


def model_views(
    catalogue: Catalogue, learned: Mapping[str, Estimate], is_available: Callable[[Model], bool]
) -> tuple[ModelView, ...]:
    """Every model on offer, in the catalogue's order. `learned` replaces the catalogue's estimates by model id;
    `is_available` returns whether a model can be ordered at the moment.
    """
    return tuple(
        ModelView(model, learned.get(model.id, model.estimate), is_available(model)) for model in catalogue.models
    )
