"""Plan an order: its chain of models with their prices and its estimate, or why it is refused."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fermata.domain.catalogue.models import Catalogue, Estimate, Model, ReferenceRule
from fermata.domain.catalogue.voices import ids_of
from fermata.domain.money.key_counter import empty_counter
from fermata.domain.money.wallet import Wallet
from fermata.domain.orders.candidates import (
    Candidate,
    Considered,
    DefaultFallbacks,
    OrderPlan,
    candidates_for,
    is_within,
)
from fermata.domain.orders.choice import Buyer, Circumstances, choose, considered
from fermata.domain.orders.deadlines import Deadline
from fermata.domain.orders.named_ids import chain_with_ids
from fermata.domain.orders.order_request import OnUnknown, SongRequest, find_model
from fermata.domain.orders.references import ProviderIds, object_key, wrong_upload
from fermata.domain.orders.speech_request import FoundVoices
from fermata.domain.tenants.key_cap import KeyCap
from fermata.errors import FieldError, InvalidRequestError
from fermata.ports.audio import ReferenceIds, ReferenceStore
from fermata.ports.money import KeyCounters, WalletStore
from fermata.ports.providers import Estimates, VoiceStore
from fermata.ports.webhooks import WebhookStore
from fermata.use_cases.orders.availability import Availability, AvailabilityPorts, availability
from fermata.use_cases.orders.named_reference import named_ids

NO_DISCOUNT: Final = 0


@dataclass(frozen=True)
class PlanPorts:
    """Ports of `plan_order`. `default_fallbacks` apply to requests that name none. A deadline may be
    `longest_finish_by_s` seconds away.
    """

    catalogue: Catalogue
    estimates: Estimates
    default_fallbacks: DefaultFallbacks
    references: ReferenceStore
    reference_ids: ReferenceIds
    longest_finish_by_s: int
    webhooks: WebhookStore
    wallets: WalletStore
    key_counters: KeyCounters
    availability: AvailabilityPorts
    voices: VoiceStore

    def found_voices(self, tenant_id: str) -> FoundVoices:
        """Finds voices beyond those that ship: those that the provider named, and those of this tenant. Reads the table
        only for such a voice.
        """

        def found(model: Model) -> frozenset[str]:
            named = ids_of(self.voices.load(model.speech.voices).voices) if model.speech else frozenset()
            wallet = self.wallets.find(tenant_id) if model.speaks_for_itself else None
            return named | frozenset(wallet.own_voices if wallet else ())

        return found


@dataclass(frozen=True)
class Market:
    """What the choice of a model depends on, read once for an order: what is available, the tenant's wallet, if
    it has one, and the credits that the month of the order's key has left, None without a cap.
    """

    available: Availability
    wallet: Wallet | None
    key_credits: int | None


@dataclass(frozen=True)
class Wish:
    """A valid request of a tenant. `model` is the one that it names; None if Fermata chooses it in the `market`."""

    request: SongRequest
    model: Model | None
    tenant_id: str
    market: Market | None = None


def wish_of(
    request: SongRequest, model: Model | None, tenant_id: str, ports: PlanPorts, now: datetime, cap: KeyCap | None
) -> Wish:
    """The wish of a valid request under the cap of its key; reads the market if Fermata chooses the model. Raises
    `TransientError`.
    """
    if model is not None:
        return Wish(request, model, tenant_id)
    available = availability(ports.catalogue, ports.availability, now)
    key_credits = None if cap is None else _left_of_key(tenant_id, cap, ports.key_counters, now)
    return Wish(request, None, tenant_id, Market(available, ports.wallets.find(tenant_id), key_credits))


def plan_order(wish: Wish, ports: PlanPorts, now: datetime, discount_percent: int) -> OrderPlan:
    """The plan of a wish at a discount in percent; raises `InvalidRequestError` if there is none."""
    request, model = wish.request, wish.model
    deadline, upload_bytes = _deadline(request, ports, now), _upload_bytes(wish, ports.references)
    found: tuple[Considered, ...] | None = None
    if model is None:
        _refuse(_wrong_upload(request, upload_bytes, {}, now))
        buyer = _buyer(wish, now, discount_percent)
        found = considered(request, ports.catalogue, _around(wish, ports, deadline, upload_bytes, now), buyer)
        chain = choose(request, found, ports.catalogue, deadline, buyer)
    else:
        chain = candidates_for(
            request,
            model,
            ports.catalogue,
            ports.default_fallbacks,
            deadline,
            discount_percent,
            ports.found_voices(wish.tenant_id),
        )
    chain = _with_named_ids(chain, wish, ports)
    _refuse(deadline.wrong_for({each.model: each.p80_s for each in chain}) if deadline else ())
    rules = {each.model: each.reference for each in chain if each.reference}
    _refuse(_wrong_upload(request, upload_bytes, rules, now))
    _check_callback(request, wish.tenant_id, ports.webhooks)
    plan = OrderPlan(chain, _estimate_of(chain[0], ports), _pays_unknown(chain, wish, ports), found)
    _refuse(_wrong_bound(request, plan))
    return plan


def first_discount(wish: Wish, ports: PlanPorts, now: datetime) -> int:
    """The discount in percent at which to price an order first. Most tenants have none, and the order's transaction
    finds any other, so the wallet is read only if the price decides about the order.
    """
    if wish.market is not None:
        return _discount_in(wish.market.wallet, now)
    return NO_DISCOUNT if wish.request.max_credits is None else discount_of(wish, ports, now)


def discount_of(wish: Wish, ports: PlanPorts, now: datetime) -> int:
    """The discount in percent of the tenant's next order; 0 for a tenant without a wallet."""
    wallet = ports.wallets.find(wish.tenant_id) if wish.market is None else wish.market.wallet
    return _discount_in(wallet, now)


def _discount_in(wallet: Wallet | None, now: datetime) -> int:
    return NO_DISCOUNT if wallet is None else wallet.discount_at(now)


def _market(wish: Wish) -> Market:
    if wish.market is None:
        raise AssertionError("a wish without a model needs a market")
    return wish.market


def _buyer(wish: Wish, now: datetime, discount_percent: int) -> Buyer:
    wallet, of_key = _market(wish).wallet, _market(wish).key_credits
    pays_unknown = wish.request.on_unknown is OnUnknown.FALLBACK and _is_payer_of_unknown(wallet)
    of_wallet = _holdable(wallet, now)
    if of_key is not None and of_key < of_wallet:
        return Buyer(discount_percent, of_key, pays_unknown, "the month of this key")
    return Buyer(discount_percent, of_wallet, pays_unknown)


def _around(
    wish: Wish, ports: PlanPorts, deadline: Deadline | None, upload_bytes: int | None, now: datetime
) -> Circumstances:
    ports.estimates.read_ahead([model.id for model in ports.catalogue.models])
    return Circumstances(
        now=now,
        deadline=deadline,
        is_available=_market(wish).available.is_available,
        may_wait=_market(wish).available.may_wait,
        estimate_of=_learned(ports.estimates),
        upload_bytes=upload_bytes,
        wrong_ids=lambda provider: _wrong_ids(provider, wish, ports),
        found_voices=ports.found_voices(wish.tenant_id),
    )


def _wrong_ids(provider: str, wish: Wish, ports: PlanPorts) -> Sequence[FieldError]:
    try:
        _named_ids(provider, wish, ports)
    except InvalidRequestError as error:
        return error.fields
    return ()


def _named_ids(provider: str, wish: Wish, ports: PlanPorts) -> ProviderIds | None:
    return named_ids(wish.request, provider, wish.tenant_id, ports.reference_ids, ports.wallets)


def _holdable(wallet: Wallet | None, now: datetime) -> int:
    """The credits that one more order may hold, by the wallet's balance or cap and by the plan's monthly credits."""
    if wallet is None:
        return 0
    current = wallet.in_month_of(now)
    of_month = current.available if current.monthly_credits is None else current.monthly_credits - current.committed
    return max(0, min(current.available, of_month))


def _left_of_key(tenant_id: str, cap: KeyCap, counters: KeyCounters, now: datetime) -> int:
    """The credits that one more order of a key may hold in its month."""
    counter = counters.find(tenant_id, cap.counter_id) or empty_counter(now)
    return max(0, cap.monthly_credits - counter.in_month_of(now).committed)


def _with_named_ids(chain: tuple[Candidate, ...], wish: Wish, ports: PlanPorts) -> tuple[Candidate, ...]:
    ids = _named_ids(chain[0].provider, wish, ports)
    if ids is None:
        return chain
    return chain_with_ids(chain, ids, fallbacks_were_named=wish.request.fallbacks is not None)


def _estimate_of(first: Candidate, ports: PlanPorts) -> Estimate:
    model = find_model(first.model, "/model", ports.catalogue)
    return ports.estimates.of(model.id, model.estimate)


def _learned(estimates: Estimates) -> Callable[[Model], Estimate]:
    return lambda model: estimates.of(model.id, model.estimate)


def _deadline(request: SongRequest, ports: PlanPorts, now: datetime) -> Deadline | None:
    if request.finish_by is None:
        return None
    return Deadline(request.finish_by, ports.longest_finish_by_s, now, _learned(ports.estimates))


def _pays_unknown(chain: tuple[Candidate, ...], wish: Wish, ports: PlanPorts) -> bool:
    """Whether the tenant's plan makes it pay for attempts of unknown outcome. Reads the wallet only if the order may
    have such attempts.
    """
    if wish.request.on_unknown is not OnUnknown.FALLBACK or len(chain) == 1:
        return False
    return _is_payer_of_unknown(ports.wallets.find(wish.tenant_id) if wish.market is None else wish.market.wallet)


def _is_payer_of_unknown(wallet: Wallet | None) -> bool:
    return wallet is not None and wallet.unknown_paid_by == "tenant"


def _upload_bytes(wish: Wish, references: ReferenceStore) -> int | None:
    """The size of the recording that the request names; None without one. Another tenant's recording counts as none."""
    reference = wish.request.reference
    if reference is None or reference.id is None:
        return None
    return references.size(object_key(wish.tenant_id, reference.id))


def _wrong_upload(
    request: SongRequest, upload_bytes: int | None, rules: Mapping[str, ReferenceRule], now: datetime
) -> Iterator[FieldError]:
    """The errors of a recording that is missing, or too large for a model that uses it."""
    if request.reference is not None and request.reference.id is not None:
        yield from wrong_upload(request.reference.id, upload_bytes, rules, now)


def _check_callback(request: SongRequest, tenant_id: str, webhooks: WebhookStore) -> None:
    """Refuse a `callback_url` of a tenant without a secret, because its receiver could not verify the webhook."""
    if request.callback_url is not None and webhooks.find(tenant_id) is None:
        found = "needs a secret to sign with, and there is none; POST /v1/webhook/rotate makes one"
        raise InvalidRequestError([FieldError("/callback_url", found)])


def _wrong_bound(request: SongRequest, plan: OrderPlan) -> Iterator[FieldError]:
    if not is_within(plan.hold_credits, request.max_credits):
        yield FieldError(
            "/max_credits",
            f"must be at least {plan.hold_credits}, the most that this order may cost, got {request.max_credits}; "
            "raise it, or name cheaper models",
        )


def _refuse(wrong: Iterable[FieldError]) -> None:
    fields = list(wrong)
    if fields:
        raise InvalidRequestError(fields)
