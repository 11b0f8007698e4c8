"""The choice of a model for `"model": "auto"`: the cheapest one that can serve the request, and its fallbacks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fermata.domain.catalogue.models import Catalogue, Estimate, Model
from fermata.domain.catalogue.units import Kind
from fermata.domain.orders.candidates import (
    Candidate,
    Considered,
    candidate_of,
    hold_for,
    is_within,
    named_fallbacks,
)
from fermata.domain.orders.deadlines import Deadline
from fermata.domain.orders.order_request import SongRequest, what_the_model_refuses, wrong_live
from fermata.domain.orders.references import wrong_upload
from fermata.domain.orders.speech_request import FoundVoices
from fermata.errors import FieldError, NoModelError

DEFAULT_KIND: Final[Kind] = "song"
MOST_CHOSEN_FALLBACKS: Final = 2
MOST_TIMES_THE_PRICE: Final = 2
"""A chosen fallback costs at most this multiple of the first model's price."""
_LONGEST_REASON: Final = 300
_UNAVAILABLE: Final = "it is not available at the moment"


@dataclass(frozen=True)
class Circumstances:
    """What an order depends on besides its request. `is_available` returns whether a provider accepts an order of a
    model at this cost in millionths of a USD, `may_wait` whether an order of an unavailable model waits for it.
    `estimate_of` returns a model's latency from its last songs. `upload_bytes` is the size of the uploaded recording
    that the request names, if any. `wrong_ids` returns the errors of the ids of a recording that the request names, if
    any, for a provider. `found_voices` are voices beyond those that ship.
    """

    now: datetime
    deadline: Deadline | None
    is_available: Callable[[Model, int], bool]
    may_wait: Callable[[Model], bool]
    estimate_of: Callable[[Model], Estimate]
    upload_bytes: int | None
    wrong_ids: Callable[[str], Sequence[FieldError]]
    found_voices: FoundVoices


@dataclass(frozen=True)
class Buyer:
    """The terms of the order's tenant: its discount, the credits that its wallet, or the month of the order's key, can
    hold for one more order, and whether it also pays for attempts of unknown outcome. `holder` names what bounds them.
    """

    discount_percent: int
    holdable_credits: int
    pays_unknown: bool
    holder: str = "the wallet"


def considered(
    request: SongRequest, catalogue: Catalogue, around: Circumstances, buyer: Buyer
) -> tuple[Considered, ...]:
    """Every listed model of the wanted kind: first those that can serve the request, then those that could if they were
    available, both by whole price, P50 and id, then the others in the catalogue's order.
    """
    kind = request.kind or DEFAULT_KIND
    models = (model for model in catalogue.models if model.kind == kind and not model.is_family)
    return tuple(sorted((_consider(request, model, around, buyer) for model in models), key=_rank))


def choose(
    request: SongRequest, found: Sequence[Considered], catalogue: Catalogue, deadline: Deadline | None, buyer: Buyer
) -> tuple[Candidate, ...]:
    """The chain of an order among the `considered` models. If the wallet or the key covers none of those that can serve
    it, it is the cheapest alone, so that the order is refused for its credits. If none is available that could, it is
    the cheapest of these alone, and the order waits for it: a job waits only for the last model of its chain.

    Raises `NoModelError`, which says why for each model.
    """
    able = [each.candidate for each in found if each.can_serve and each.candidate]
    able = able or [each.candidate for each in found if each.waits and each.candidate][:1]
    if not able:
        raise NoModelError(list(_why_nobody(request, found)))
    first, *others = able
    if request.fallbacks is None:
        return _with_fallbacks(first, others, request.max_credits, buyer)
    return (first, *named_fallbacks(request, first.model, catalogue, deadline, buyer.discount_percent))


def _with_fallbacks(
    first: Candidate, others: Sequence[Candidate], max_credits: int | None, buyer: Buyer
) -> tuple[Candidate, ...]:
    chain: tuple[Candidate, ...] = (first,)
    for each in others:
        longer = (*chain, each)
        hold = hold_for(longer, pays_unknown=buyer.pays_unknown)
        is_cheap = each.price_credits <= MOST_TIMES_THE_PRICE * first.price_credits
        if is_cheap and hold <= buyer.holdable_credits and is_within(hold, max_credits):
            chain = longer
        if len(chain) > MOST_CHOSEN_FALLBACKS:
            break
    return chain


def _consider(request: SongRequest, model: Model, around: Circumstances, buyer: Buyer) -> Considered:
    estimate = around.estimate_of(model)
    refused = [f"{each.pointer} {each.message}" for each in _refused(request, model, around)]
    if refused:
        return Considered(model.id, estimate, None, _shortened("; ".join(refused)), can_serve=False)
    candidate = candidate_of(model, request, around.deadline, buyer.discount_percent)
    obstacle = _obstacle(request, candidate, around)
    if obstacle is None and not around.is_available(model, candidate.cost_micro_usd):
        return Considered(model.id, estimate, candidate, _UNAVAILABLE, can_serve=False, waits=around.may_wait(model))
    why_not = obstacle or _uncovered(candidate, buyer)
    return Considered(model.id, estimate, candidate, why_not, can_serve=obstacle is None)


def _refused(request: SongRequest, model: Model, around: Circumstances) -> Iterator[FieldError]:
    refused = [*what_the_model_refuses(request, model, around.found_voices), *wrong_live(request, model)]
    yield from refused or around.wrong_ids(model.provider)
    if request.reference and request.reference.id and model.reference:
        rule = {model.id: model.reference}
        yield from wrong_upload(request.reference.id, around.upload_bytes, rule, around.now)


def _obstacle(request: SongRequest, candidate: Candidate, around: Circumstances) -> str | None:
    deadline = around.deadline
    if deadline is not None and not deadline.leaves(candidate.p80_s):
        wrong = deadline.wrong_for({candidate.model: candidate.p80_s})
        return "; ".join(f"{each.pointer} {each.message}" for each in wrong)
    if not is_within(candidate.price_credits, request.max_credits):
        return f"it costs {candidate.price_credits} credits, more than the {request.max_credits} of max_credits"
    return None


def _uncovered(candidate: Candidate, buyer: Buyer) -> str | None:
    if candidate.price_credits <= buyer.holdable_credits:
        return None
    return f"it costs {candidate.price_credits} credits, and {buyer.holder} can hold {buyer.holdable_credits}"


def _rank(each: Considered) -> tuple[int, int, int, str]:
    """The best first; a sort by it leaves the models that cannot serve the request in their order."""
    if each.candidate is None or not (each.can_serve or each.waits):
        return (2, 0, 0, "")
    return (int(each.waits), each.candidate.price_credits, each.estimate.p50_s, each.model)


def _why_nobody(request: SongRequest, found: Sequence[Considered]) -> Iterator[FieldError]:
    if not found:
        yield FieldError("/kind", f"no model on offer makes {request.kind or DEFAULT_KIND}")
    for each in found:
        yield FieldError("/model", f"{each.model} cannot be chosen: {each.why_not}")


def _shortened(reason: str) -> str:
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[: _LONGEST_REASON - 3]}..."
