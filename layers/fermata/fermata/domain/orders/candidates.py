"""The models that may sing one job, in the order in which they are asked; frozen when the job is submitted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from fermata.domain.catalogue.models import Catalogue, Estimate, Model, ReferenceRule
from fermata.domain.orders.deadlines import Deadline
from fermata.domain.orders.order_request import SongRequest, find_model, what_the_model_refuses
from fermata.errors import ConfigurationError

DefaultFallbacks = Mapping[str, Sequence[str]]
"""Per model id, the fallbacks of a request that names none."""


class Candidate(BaseModel):
    """One model of a job's chain, as the catalogue knew it at submission. `provider` has the key and sends the bill,
    `dialect` is the language in which the model is ordered. `price_credits` is for all of the order's `songs`;
    `cost_micro_usd` is what the provider asks for them, in millionths of a USD. `reference` is the rule for the
    request's reference recording, where there is one. In `p80_s` seconds four of five songs are ready: what a deadline
    is judged by; 0 where there is none.
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
    p80_s: NonNegativeInt = 0


@dataclass(frozen=True)
class OrderPlan:
    """Who would be asked for a song, in this order, and how long the first of them takes. `pays_unknown` is whether the
    tenant pays for an attempt of unknown outcome, too, where a fallback delivers after it.
    """

    chain: tuple[Candidate, ...]
    estimate: Estimate
    pays_unknown: bool = False

    @property
    def hold_credits(self) -> int:
        """What an order by this plan holds, in credits."""
        return hold_for(self.chain, pays_unknown=self.pays_unknown)


def candidates_for(
    request: SongRequest, model: Model, catalogue: Catalogue, defaults: DefaultFallbacks, deadline: Deadline | None
) -> tuple[Candidate, ...]:
    """The requested model, then its fallbacks. A default fallback that cannot sing this request, or not until its
    deadline, is left out: nobody asked for it.
    """
    if request.fallbacks is None:
        fallbacks = _able(request, defaults.get(model.id, ()), catalogue, deadline)
    else:
        fallbacks = (find_model(model_id, "/fallbacks", catalogue) for model_id in request.fallbacks)
    return tuple(_candidate(each, request, deadline) for each in (model, *fallbacks))


def hold_for(chain: Sequence[Candidate], *, pays_unknown: bool) -> int:
    """What is held for a job, in credits: the highest price of its models, or all of them where the tenant pays for
    attempts of unknown outcome, too.
    """
    prices = [candidate.price_credits for candidate in chain]
    return sum(prices) if pays_unknown else max(prices)


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


def _able(
    request: SongRequest, model_ids: Sequence[str], catalogue: Catalogue, deadline: Deadline | None
) -> Iterator[Model]:
    for model_id in model_ids:
        model = catalogue.find(model_id)
        if model is None or any(what_the_model_refuses(request, model)):
            continue
        if deadline is None or deadline.leaves(deadline.p80_s(model)):
            yield model


def _candidate(model: Model, request: SongRequest, deadline: Deadline | None) -> Candidate:
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
        p80_s=0 if deadline is None else deadline.p80_s(model),
    )
