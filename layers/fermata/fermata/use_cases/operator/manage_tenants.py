"""Commands for tenants, keys, credits and providers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool, TypeAdapter, ValidationError, field_validator

from fermata.api.responses.account import Account
from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.finish.recoverable_list import LONGEST_LIMIT
from fermata.domain.money.movement import grant_of
from fermata.domain.money.usage_export import checked_rows
from fermata.domain.money.wallet import Plan, Wallet, empty_wallet
from fermata.domain.orders.job_id import sortable_id
from fermata.domain.tenants.discounts import Tiers
from fermata.domain.tenants.plan_limits import Credits, PlanLimits
from fermata.domain.tenants.tenant import Tenant
from fermata.domain.triggers.senders import MAX_SOURCES, Change, Source
from fermata.domain.web.formats import rfc3339
from fermata.domain.web.whole_number import WholeNumber
from fermata.errors import FieldError, InvalidRequestError, NotFoundError
from fermata.ports.money import WalletStore
from fermata.ports.providers import BrakeStore, ProviderStates
from fermata.ports.tenants import TenantStore
from fermata.ports.triggers import TriggerStore
from fermata.use_cases.operator.audit import audited, take_claim
from fermata.use_cases.operator.check_provider import CheckPorts
from fermata.use_cases.operator.list_recoverable import RecoverablePorts, list_recoverable
from fermata.use_cases.operator.look import (
    ListTenants,
    LookCommand,
    LookPorts,
    ShowJob,
    ShowProviders,
    ShowSpend,
    ShowStatus,
    ShowTenant,
    look,
)
from fermata.use_cases.operator.maintenance.cancel_all import CancelAll, CancelPorts, cancel_all
from fermata.use_cases.operator.maintenance.drain import Drain, drain
from fermata.use_cases.operator.maintenance.suspend_tenant import ResumeTenant, SuspendTenant, set_suspension
from fermata.use_cases.operator.manage_keys import (
    IssueKey,
    KeyCommand,
    ListKeys,
    RevokeKey,
    RotateKey,
    TenantId,
    manage_keys,
)
from fermata.use_cases.operator.manage_providers import (
    CheckProvider,
    EnableProvider,
    Pause,
    ProviderCommand,
    ProviderPorts,
    Resume,
    known_provider,
    manage_providers,
)
from fermata.use_cases.operator.manage_webhooks import (
    RotateWebhookSecret,
    SetWebhook,
    WebhookCommand,
    manage_webhooks,
)
from fermata.use_cases.operator.reconcile import ReconcilePorts, reconcile_usage
from fermata.use_cases.operator.redeliver import RedeliverPorts, redeliver
from fermata.use_cases.operator.set_budget import SetBudget
from fermata.use_cases.operator.set_triggers import set_triggers
from fermata.use_cases.restore.recover_jobs import Recover, RecoverPorts, recover_jobs
from fermata.use_cases.webhooks.set_endpoint import EndpointPorts


@dataclass(frozen=True)
class ManagePorts:
    """Ports of `manage_tenants`. `check` and `recover` make the ports of their commands when needed; `budget` returns a
    provider's deployed daily budget in millionths of a USD, 0 for none.
    """

    tenants: TenantStore
    wallets: WalletStore
    provider_states: ProviderStates
    brakes: BrakeStore
    triggers: TriggerStore
    reconcile: ReconcilePorts
    redeliver: RedeliverPorts
    recoverable: RecoverablePorts
    recover: Callable[[], RecoverPorts]
    webhooks: EndpointPorts
    check: Callable[[], CheckPorts]
    look: LookPorts
    budget: Callable[[str], int]


class _Command(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")

    tenant_id: TenantId


class CreateTenant(_Command):
    """Create a tenant with an empty prepaid wallet. Its id has lower-case letters, digits and hyphens."""

    action: Literal["create_tenant"]


class Grant(_Command):
    """Add credits to a tenant's balance. Repeating the command adds them again."""

    action: Literal["grant"]
    credits: Credits


class _Plan(_Command):
    action: Literal["set_plan"]
    plan: Plan
    cap_credits: Credits | None = None


class SetPlan(PlanLimits, _Plan):
    """Bound a tenant's orders by its balance (prepaid), or by a cap of credits per calendar month in UTC (postpaid),
    and by limits. A limit that is left out is the default. No tier gives less than one of fewer credits.
    """

    @field_validator("tiers")
    @classmethod
    def _rising(cls, tiers: Tiers) -> Tiers:
        for lower, higher in pairwise(tiers):
            if higher.percent < lower.percent:
                raise ValueError(
                    f"must not fall: from {lower.from_credits} credits {lower.percent} percent are off, "
                    f"from {higher.from_credits} only {higher.percent}"
                )
        return tiers


class SetTriggers(_Command):
    """Turn a tenant's inbox and events on or off, and set the sources that belong to it. Omitted fields stay."""

    action: Literal["set_triggers"]
    inbox: StrictBool | None = None
    events: StrictBool | None = None
    sources: Annotated[tuple[Source, ...], Field(max_length=MAX_SOURCES)] | None = None


class Reconcile(BaseModel):
    """Compare a provider's attempts of unknown outcome with its usage export, and record the findings if `apply`."""

    model_config = ConfigDict(defer_build=True, extra="forbid")

    action: Literal["reconcile"]
    provider: str
    rows: list[JsonValue]
    apply: StrictBool = False


class Redeliver(BaseModel):
    """Deliver the paid song of a failed job under a new job, without another order."""

    model_config = ConfigDict(defer_build=True, extra="forbid")

    action: Literal["redeliver"]
    job_id: str


class ListRecoverable(BaseModel):
    """List the paid but undelivered songs that can be redelivered, of one provider or of all."""

    model_config = ConfigDict(defer_build=True, extra="forbid")

    action: Literal["list_recoverable"]
    provider: str | None = None
    limit: Annotated[WholeNumber, Field(ge=1, le=LONGEST_LIMIT)] | None = None
    cursor: Annotated[str, Field(max_length=500)] | None = None


Command = (
    CreateTenant
    | KeyCommand
    | Grant
    | SetPlan
    | SetTriggers
    | WebhookCommand
    | CancelAll
    | Drain
    | SuspendTenant
    | ResumeTenant
    | ProviderCommand
    | Reconcile
    | Redeliver
    | ListRecoverable
    | Recover
    | LookCommand
)

_COMMAND: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="action")])


def manage_tenants(command: object, ports: ManagePorts, now: datetime, randomness: bytes) -> dict[str, JsonValue]:
    """Execute one command and return its result. Raises a `RequestRefusedError` before any change. A command that may
    change something leaves a line with the caller whom it names as `claimed_by`.
    """
    asked, claimed_by = take_claim(command)
    parsed = _parse(asked)
    return audited(parsed, claimed_by, lambda: _execute(parsed, ports, now, randomness))


def _execute(command: Command, ports: ManagePorts, now: datetime, randomness: bytes) -> dict[str, JsonValue]:
    match command:
        case CreateTenant(tenant_id=tenant_id):
            return _create_tenant(tenant_id, ports, now)
        case IssueKey() | RotateKey() | RevokeKey() | ListKeys() as about_keys:
            return manage_keys(about_keys, ports.tenants, now, randomness)
        case Grant() | SetPlan() | SuspendTenant() | ResumeTenant() as about_a_wallet:
            return _change_wallet(about_a_wallet, ports.wallets, now, randomness)
        case SetTriggers(tenant_id=tenant_id, inbox=inbox, events=events, sources=sources):
            _wallet(tenant_id, ports.wallets)
            return set_triggers(tenant_id, Change(inbox, events, sources), ports.triggers)
        case SetWebhook() | RotateWebhookSecret() as about_webhooks:
            _wallet(about_webhooks.tenant_id, ports.wallets)
            return manage_webhooks(about_webhooks, ports.webhooks, now, randomness)
        case EnableProvider() | CheckProvider() | Pause() | Resume() | SetBudget() as about_a_provider:
            about = ProviderPorts(ports.provider_states, ports.brakes, ports.check, ports.budget)
            return manage_providers(about_a_provider, about, now)
        case Reconcile(provider=name, rows=rows, apply=apply):
            checked = checked_rows(rows)
            return reconcile_usage(known_provider(name), checked, ports.reconcile, now, apply=apply)
        case Redeliver() | ListRecoverable() | Recover() | CancelAll() | Drain() as about_jobs:
            return _manage_jobs(about_jobs, ports, now)
        case ListTenants() | ShowTenant() | ShowJob() | ShowProviders() | ShowStatus() | ShowSpend() as question:
            return look(question, ports.look, now)


def _create_tenant(tenant_id: str, ports: ManagePorts, now: datetime) -> dict[str, JsonValue]:
    # The wallet first: a tenant without a wallet could not order, and could not be created again.
    ports.wallets.open(empty_wallet(tenant_id, now))
    if not ports.tenants.create_tenant(Tenant(tenant_id=tenant_id, created_at=now)):
        raise InvalidRequestError([FieldError("/tenant_id", f"{tenant_id} exists already; choose another id")])
    return {"tenant_id": tenant_id, "created_at": rfc3339(now)}


def _manage_jobs(
    command: Redeliver | ListRecoverable | Recover | CancelAll | Drain, ports: ManagePorts, now: datetime
) -> dict[str, JsonValue]:
    if isinstance(command, CancelAll):
        if command.tenant_id is not None:
            _wallet(command.tenant_id, ports.wallets)
        if command.provider is not None:
            known_provider(command.provider)
        return cancel_all(command, CancelPorts(ports.look.jobs, ports.look.due), now)
    if isinstance(command, Drain):
        return drain(command, ports.brakes, ports.look.due, now)
    if isinstance(command, Recover):
        return recover_jobs(ports.recover(), now)
    if isinstance(command, Redeliver):
        return redeliver(command.job_id, ports.redeliver, now)
    only = command.provider
    providers = read_catalogue().provider_ids() if only is None else (known_provider(only),)
    return list_recoverable(providers, command.limit, command.cursor, ports.recoverable, now)


def _change_wallet(
    command: Grant | SetPlan | SuspendTenant | ResumeTenant, wallets: WalletStore, now: datetime, randomness: bytes
) -> dict[str, JsonValue]:
    if isinstance(command, SetPlan):
        return _set_plan(command, wallets, now)
    if isinstance(command, SuspendTenant | ResumeTenant):
        return set_suspension(command, wallets, now)
    tenant_id = command.tenant_id
    _wallet(tenant_id, wallets)
    wallets.grant(grant_of(tenant_id, command.credits, f"{sortable_id(now, randomness)}-grant", now))
    return _account(tenant_id, wallets, now)


def _set_plan(terms: SetPlan, wallets: WalletStore, now: datetime) -> dict[str, JsonValue]:
    tenant_id, plan = terms.tenant_id, terms.plan
    if (plan is Plan.POSTPAID) is (terms.cap_credits is None):
        need = "is required for a postpaid plan" if plan is Plan.POSTPAID else "must be left out for a prepaid plan"
        raise InvalidRequestError([FieldError("/cap_credits", need)])
    _wallet(tenant_id, wallets)
    if not wallets.set_plan(tenant_id, plan, terms.cap_credits, terms.limits):
        owed = -_wallet(tenant_id, wallets).balance
        raise InvalidRequestError([FieldError("/plan", f"{tenant_id} owes {owed} credits; grant them before prepaid")])
    return _account(tenant_id, wallets, now)


def _account(tenant_id: str, wallets: WalletStore, now: datetime) -> dict[str, JsonValue]:
    """The account as its tenant sees it."""
    shown = Account.of(_wallet(tenant_id, wallets), now).as_json()
    return {name: value for name, value in shown.items() if name != "object"}


def _wallet(tenant_id: str, wallets: WalletStore) -> Wallet:
    wallet = wallets.find(tenant_id)
    if wallet is None:
        raise NotFoundError(f"there is no tenant {tenant_id}; create it first")
    return wallet


def _parse(command: object) -> Command:
    try:
        return _COMMAND.validate_python(command)
    except ValidationError as error:
        parts = error.errors(include_url=False, include_input=False)
        # The first step of a location is the action, by which pydantic chose the command.
        wrong = [FieldError("".join(f"/{step}" for step in part["loc"][1:]), part["msg"]) for part in parts]
        raise InvalidRequestError(wrong) from None
