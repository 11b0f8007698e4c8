"""The chain of models of one job, in the order in which they are called; frozen at submission."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

from fermata.domain.catalogue.models import Catalogue, Estimate, Model, ReferenceRule
from fermata.domain.catalogue.units import Kind, Unit, billable_count, cost_in_micro_usd, price_in_credits, units_in
from fermata.domain.orders.deadlines import Deadline
from fermata.domain.orders.order_request import (
    SongRequest,
    can_be_heard,
    find_model,
    ordered_count,
    what_the_model_refuses,
)
from fermata.domain.orders.references import ProviderIds
from fermata.domain.orders.speech_request import FoundVoices, none_found
from fermata.errors import ConfigurationError

DefaultFallbacks = Mapping[str, Sequence[str]]
"""By model id, the fallbacks of a request that names none."""


class Candidate(BaseModel):
    """One model of a job's chain, as the catalogue described it at submission. `provider` has the key and sends the
    bill; `dialect` names the module that speaks to the model.

    The order is for `count` parts of the `unit` at `unit_credits` each unit, less `discount_percent`. `price_credits`
    is its whole price, for all of its `songs`; `cost_micro_usd` is the most that the provider takes for it, in
    millionths of a USD, at `unit_micro_usd` each unit. `reference` is the rule for the request's reference recording,
    if any; `ids` are the provider's ids of a recording that the request names instead of one, and there is no rule
    then. `p80_s` is the 80th percentile of the latency in seconds, which deadlines use; 0 without a deadline.
    `live` is whether the song is to be heard while this model makes it.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    model: str
    provider: str
    dialect: str
    upstream_model: str
    delivery: str
    kind: Kind = "song"
    unit: Unit = "song"
    count: PositiveInt = 1
    unit_credits: NonNegativeInt = 0
    discount_percent: Annotated[int, Field(ge=0, le=100)] = 0
    price_credits: NonNegativeInt
    songs: PositiveInt = 1
    unit_micro_usd: NonNegativeInt = 0
    cost_micro_usd: NonNegativeInt = 0
    callbacks: bool = False
    reference: ReferenceRule | None = None
    p80_s: NonNegativeInt = 0
    live: bool = False
    ids: ProviderIds | None = None

    def with_ids(self, ids: ProviderIds | None) -> "Candidate":
        """This model, ordered with a provider's ids instead of a recording; with None, without them."""
        return self.model_copy(update={"ids": ids, "reference": None})

    @property
    def units(self) -> float:
        """The ordered units."""
        return units_in(self.unit, self.count)


@dataclass(frozen=True)
class Considered:
    """One model that Fermata may choose for an order: its estimated latency and, if the model accepts the request, its
    candidate. `why_not` says why it is not asked; None if it could be. A model that `can_serve` the order is left out
    only because the tenant's wallet does not cover it, one that `waits` only because it is not available now.
    """

    model: str
    estimate: Estimate
    candidate: Candidate | None
    why_not: str | None
    can_serve: bool
    waits: bool = False


@dataclass(frozen=True)
class OrderPlan:
    """The chain of models for an order, and the first one's estimated latency. `pays_unknown` is whether the tenant
    also pays for an attempt of unknown outcome if a later fallback delivers. `considered` are the models among which
    Fermata chose, the best first; None if the request names its model.
    """

    chain: tuple[Candidate, ...]
    estimate: Estimate
    pays_unknown: bool = False
    considered: tuple[Considered, ...] | None = None

    @property
    def hold_credits(self) -> int:
        """The credits that an order by this plan holds."""
        return hold_for(self.chain, pays_unknown=self.pays_unknown)


def candidates_for(
    request: SongRequest,
    model: Model,
    catalogue: Catalogue,
    defaults: DefaultFallbacks,
    deadline: Deadline | None,
    discount_percent: int = 0,
    found: FoundVoices = none_found,
) -> tuple[Candidate, ...]:
    """The requested model, then its fallbacks, at the tenant's discount. A default fallback that cannot serve this
    request, or not before its deadline, or not for `max_credits`, is left out, because the caller did not name it.
    `found` are voices beyond those that ship.
    """
    named = request.fallbacks is not None
    ids = request.fallbacks if request.fallbacks is not None else defaults.get(model.id, ())
    models = _named(ids, catalogue) if named else _able(request, ids, catalogue, deadline, found)
    fallbacks = [candidate_of(each, request, deadline, discount_percent) for each in models]
    within = [each for each in fallbacks if named or is_within(each.price_credits, request.max_credits)]
    return (candidate_of(model, request, deadline, discount_percent), *within)


def named_fallbacks(
    request: SongRequest, chosen: str, catalogue: Catalogue, deadline: Deadline | None, discount_percent: int
) -> list[Candidate]:
    """The fallbacks that a valid request names beside `auto`, without the model that was chosen first."""
    models = _named([each for each in request.fallbacks or () if each != chosen], catalogue)
    return [candidate_of(each, request, deadline, discount_percent) for each in models]


def is_within(amount: int, most: int | None) -> bool:
    """Whether an amount does not exceed a bound, if there is one."""
    return most is None or amount <= most


def hold_for(chain: Sequence[Candidate], *, pays_unknown: bool) -> int:
    """The credits held for a job: the highest price of its models, or the sum of all prices if the tenant also pays for
    attempts of unknown outcome.
    """
    prices = [candidate.price_credits for candidate in chain]
    return sum(prices) if pays_unknown else max(prices)


def check_default_fallbacks(defaults: DefaultFallbacks, catalogue: Catalogue) -> None:
    """Raise `ConfigurationError` if a default fallback is not on offer, is repeated, or is the model itself."""
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


def _named(model_ids: Sequence[str], catalogue: Catalogue) -> Iterator[Model]:
    return (find_model(model_id, "/fallbacks", catalogue) for model_id in model_ids)


def _able(
    request: SongRequest,
    model_ids: Sequence[str],
    catalogue: Catalogue,
    deadline: Deadline | None,
    found: FoundVoices,
) -> Iterator[Model]:
    for model_id in model_ids:
        model = catalogue.find(model_id)
        if model is None or any(what_the_model_refuses(request, model, found)):
            continue
        if deadline is None or deadline.leaves(deadline.p80_s(model)):
            yield model


def candidate_of(model: Model, request: SongRequest, deadline: Deadline | None, discount_percent: int = 0) -> Candidate:
    """The model as this request orders it, at the tenant's discount."""
    count, unit_cost = ordered_count(request, model), model.cost_micro_usd
    return Candidate(
        model=model.id,
        provider=model.provider,
        dialect=model.spoken,
        upstream_model=model.upstream_model,
        delivery=model.delivery[request.audio.format],
        kind=model.kind,
        unit=model.unit,
        count=count,
        unit_credits=model.price_credits,
        discount_percent=discount_percent,
        price_credits=price_in_credits(model.unit, count, model.price_credits, discount_percent),
        songs=model.songs,
        unit_micro_usd=unit_cost,
        cost_micro_usd=cost_in_micro_usd(model.unit, billable_count(model.unit, count), unit_cost),
        callbacks=model.callbacks,
        reference=model.reference if request.reference else None,
        p80_s=0 if deadline is None else deadline.p80_s(model),
        live=can_be_heard(request, model),
    )
