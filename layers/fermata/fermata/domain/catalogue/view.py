"""What is shown of the catalogue: each model, how long its songs take, and whether it can be had."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fermata.domain.catalogue.models import Catalogue, Estimate, Model


@dataclass(frozen=True)
class ModelView:
    """A model on offer, what its songs take, and whether it can be ordered at the moment."""

    model: Model
    estimate: Estimate
    is_available: bool


def model_views(
    catalogue: Catalogue, learned: Mapping[str, Estimate], is_available: Callable[[Model], bool]
) -> tuple[ModelView, ...]:
    """Every model on offer, in the catalogue's order. `learned` replaces the catalogue's estimates as far as it goes;
    `is_available` tells whether a model can be ordered at the moment.
    """
    return tuple(
        ModelView(model, learned.get(model.id, model.estimate), is_available(model)) for model in catalogue.models
    )
