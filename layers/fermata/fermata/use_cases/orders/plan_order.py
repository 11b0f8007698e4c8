"""Plan an order: its chain of models with their prices and its estimate, or why it is refused."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fermata.domain.catalogue.models import Catalogue, Model
from fermata.domain.catalogue.voices import ids_of
from fermata.domain.orders.candidates import Candidate, DefaultFallbacks, OrderPlan, candidates_for
from fermata.domain.orders.deadlines import Deadline
from fermata.domain.orders.named_ids import chain_with_ids
from fermata.domain.orders.order_request import OnUnknown, SongRequest
from fermata.domain.orders.references import object_key, wrong_upload
from fermata.domain.orders.speech_request import FoundVoices
from fermata.errors import FieldError, InvalidRequestError
from fermata.ports.audio import ReferenceIds, ReferenceStore
from fermata.ports.money import WalletStore
from fermata.ports.providers import Estimates, VoiceStore
from fermata.ports.webhooks import WebhookStore
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
    voices: VoiceStore

    @property
    def found_voices(self) -> FoundVoices:
        """Finds voices beyond those that ship; reads the table only for such a voice."""
        return lambda name: ids_of(self.voices.load(name).voices)


def plan_order(
    request: SongRequest, model: Model, tenant_id: str, ports: PlanPorts, now: datetime, discount_percent: int
) -> OrderPlan:
    """The plan of a valid request at a discount in percent; raises `InvalidRequestError` for any other."""
    deadline = _deadline(request, ports, now)
    ids = named_ids(request, model.provider, tenant_id, ports.reference_ids, ports.wallets)
    chain = candidates_for(
        request, model, ports.catalogue, ports.default_fallbacks, deadline, discount_percent, ports.found_voices
    )
    if ids is not None:
        chain = chain_with_ids(chain, ids, fallbacks_were_named=request.fallbacks is not None)
    wrong = list(deadline.wrong_for({each.model: each.p80_s for each in chain})) if deadline else []
    if wrong:
        raise InvalidRequestError(wrong)
    _check_upload(request, chain, tenant_id, ports.references, now)
    _check_callback(request, tenant_id, ports.webhooks)
    estimate = ports.estimates.of(model.id, model.estimate)
    return OrderPlan(chain, estimate, _pays_unknown(request, chain, tenant_id, ports.wallets))


def discount_of(tenant_id: str, ports: PlanPorts, now: datetime) -> int:
    """The discount in percent of a tenant's next order; 0 for a tenant without a wallet."""
    wallet = ports.wallets.find(tenant_id)
    return NO_DISCOUNT if wallet is None else wallet.discount_at(now)


def _deadline(request: SongRequest, ports: PlanPorts, now: datetime) -> Deadline | None:
    if request.finish_by is None:
        return None
    estimates = ports.estimates
    return Deadline(
        request.finish_by, ports.longest_finish_by_s, now, lambda model: estimates.of(model.id, model.estimate)
    )


def _pays_unknown(request: SongRequest, chain: tuple[Candidate, ...], tenant_id: str, wallets: WalletStore) -> bool:
    """Whether the tenant's plan makes it pay for attempts of unknown outcome. Reads the wallet only if the order may
    have such attempts.
    """
    if request.on_unknown is not OnUnknown.FALLBACK or len(chain) == 1:
        return False
    wallet = wallets.find(tenant_id)
    return wallet is not None and wallet.unknown_paid_by == "tenant"


def _check_upload(
    request: SongRequest, chain: tuple[Candidate, ...], tenant_id: str, references: ReferenceStore, now: datetime
) -> None:
    """Refuse a recording that is missing, or too large for a model that uses it. Another tenant's recording counts as
    missing.
    """
    if request.reference is None or request.reference.id is None:
        return
    rules = {each.model: each.reference for each in chain if each.reference}
    size_bytes = references.size(object_key(tenant_id, request.reference.id))
    wrong = tuple(wrong_upload(request.reference.id, size_bytes, rules, now))
    if wrong:
        raise InvalidRequestError(wrong)


def _check_callback(request: SongRequest, tenant_id: str, webhooks: WebhookStore) -> None:
    """Refuse a `callback_url` of a tenant without a secret, because its receiver could not verify the webhook."""
    if request.callback_url is not None and webhooks.find(tenant_id) is None:
        found = "needs a secret to sign with, and there is none; POST /v1/webhook/rotate makes one"
        raise InvalidRequestError([FieldError("/callback_url", found)])
