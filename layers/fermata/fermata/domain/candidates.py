"""The models that may sing one job, in the order in which they are asked; frozen when the job is submitted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from fermata.domain.catalogue import Catalogue, Estimate, Model, ReferenceRule
from fermata.domain.requests import SongRequest, find_model, what_the_model_refuses
from fermata.errors import ConfigurationError

DefaultFallbacks = Mapping[str, Sequence[str]]
"""Per model id, the fallbacks of a request that names none."""


class Candidate(BaseModel):
    """One model of a job's chain, as the catalogue knew it at submission. `provider` has the key and sends the bill,
    `dialect` is the language in which the model is ordered. `price_credits` is for all of the order's `songs`;
    `cost_micro_usd` is what the provider asks for them, in millionths of a USD. `reference` is the rule for the
    request's reference recording, where there is one.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    provider: str
    dialect: str
    upstream_model: str
    delivery: str
    price_credits: NonNegativeInt
    songs: PositiveInt = 1
    cost_micro_usd: NonNegativeInt = 0
    callbacks: bool = False
    reference: ReferenceRule | None = None


@dataclass(frozen=True)
class OrderPlan:
    """Who would be asked for a song, in this order, and how long the first of them takes."""

    chain: tuple[Candidate, ...]
    estimate: Estimate


def candidates_for(
    request: SongRequest, model: Model, catalogue: Catalogue, defaults: DefaultFallbacks
) -> tuple[Candidate, ...]:
    """The requested model, then its fallbacks. A default fallback that cannot sing this request is left out: nobody
    asked for it.
    """
    if request.fallbacks is None:
        fallbacks = _able(request, defaults.get(model.id, ()), catalogue)
    else:
        fallbacks = (find_model(model_id, "/fallbacks", catalogue) for model_id in request.fallbacks)
    return tuple(_candidate(each, request) for each in (model, *fallbacks))


def highest_price(chain: Sequence[Candidate]) -> int:
    """What is held for a job, whichever of its models delivers, in credits."""
    return max(candidate.price_credits for candidate in chain)


def check_default_fallbacks(defaults: DefaultFallbacks, catalogue: Catalogue) -> None:
    """Raise `ConfigurationError` where a default fallback names a model that is not on offer, or a model itself."""
    wrong = [f"{model_id}: {each}" for model_id in defaults for each in _impossible(model_id, defaults, catalogue)]
    if wrong:
        raise ConfigurationError(
            f"DEFAULT_FALLBACKS: expected other models of the catalogue, each once, found {'; '.join(wrong)}; "
            "correct the deployment parameter"
        )


def _impossible(model_id: str, defaults: DefaultFallbacks, catalogue: Catalogue) -> Iterator[str]:
    named = (model_id, *defaults[model_id])
    for position, each in enumerate(named):
        if each in named[:position] or catalogue.find(each) is None:
            yield each


def _able(request: SongRequest, model_ids: Sequence[str], catalogue: Catalogue) -> Iterator[Model]:
    for model_id in model_ids:
        model = catalogue.find(model_id)
        if model is not None and not any(what_the_model_refuses(request, model)):
            yield model


def _candidate(model: Model, request: SongRequest) -> Candidate:
    return Candidate(
        model=model.id,
        provider=model.provider,
        dialect=model.spoken,
        upstream_model=model.upstream_model,
        delivery=model.delivery[request.audio.format],
        price_credits=model.price_credits,
        songs=model.songs,
        cost_micro_usd=model.cost_micro_usd,
        callbacks=model.callbacks,
        reference=model.reference if request.reference else None,
    )
