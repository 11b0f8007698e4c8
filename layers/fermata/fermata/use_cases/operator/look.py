"""Commands with which the operator looks at tenants, jobs, providers and spending. They change nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from fermata.api.responses.account import Account
from fermata.domain.catalogue.models import Catalogue
from fermata.domain.money.reports.day_pages import wrong_span
from fermata.domain.money.reports.spend import spend_of
from fermata.domain.money.reports.usage_log import UsageLine
from fermata.domain.operator.job_view import operators_view
from fermata.domain.operator.key_view import key_view
from fermata.domain.operator.provider_view import provider_view
from fermata.domain.operator.status import MOST_OVERDUE, OVERDUE_AFTER, Findings, status_view
from fermata.domain.providers.queue import epoch_ms
from fermata.domain.providers.spending import day_of
from fermata.domain.web.formats import rfc3339
from fermata.domain.web.whole_number import WholeNumber
from fermata.errors import InvalidRequestError, NotFoundError
from fermata.ports.jobs import DueJobs, JobStore
from fermata.ports.money import Purchases, UsageStore, WalletStore
from fermata.ports.providers import BrakeStore, ProviderStates
from fermata.ports.tenants import TenantStore
from fermata.ports.triggers import TriggerStore
from fermata.use_cases.operator.list_recoverable import RecoverablePorts, first_recoverable
from fermata.use_cases.operator.maintenance.drain import draining_view
from fermata.use_cases.operator.manage_keys import TenantId

DEFAULT_LIMIT: Final = 100
LONGEST_LIMIT: Final = 1000


@dataclass(frozen=True)
class LookPorts:
    """Ports of `look`; `catalogue` reads the one in force."""

    tenants: TenantStore
    wallets: WalletStore
    triggers: TriggerStore
    jobs: JobStore
    usage: UsageStore
    brakes: BrakeStore
    provider_states: ProviderStates
    catalogue: Callable[[], Catalogue]
    purchases: Purchases
    recoverable: RecoverablePorts
    due: DueJobs


class _Look(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")


class ListTenants(_Look):
    """List the tenants in the order of their ids, those after `cursor`, with their credits."""

    action: Literal["list_tenants"]
    limit: Annotated[WholeNumber, Field(ge=1, le=LONGEST_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str, Field(max_length=100)] = ""


class ShowTenant(_Look):
    """Show a tenant: its account, keys and triggers."""

    action: Literal["show_tenant"]
    tenant_id: TenantId


class ShowJob(_Look):
    """Show a job with its attempts, codes and costs."""

    action: Literal["show_job"]
    job_id: str


class ShowProviders(_Look):
    """Show the pause, circuit, budget and queue of each provider."""

    action: Literal["providers"]


class ShowStatus(_Look):
    """Show in one screen what would be alarming now, as far as the records tell, and what waits for a person."""

    action: Literal["status"]


class ShowSpend(_Look):
    """Show costs, credits and margin of the jobs that ended from a day to another, inclusive (UTC). Without days they
    are this month until today. `credit_usd` is what a credit is sold for.
    """

    action: Literal["spend"]
    from_day: date | None = None
    to_day: date | None = None
    tenant_id: TenantId | None = None
    credit_usd: Annotated[Decimal, Field(ge=0, le=1000, decimal_places=6)] | None = None


LookCommand = ListTenants | ShowTenant | ShowJob | ShowProviders | ShowStatus | ShowSpend


def look(command: LookCommand, ports: LookPorts, now: datetime) -> dict[str, JsonValue]:
    """The answer to one command. Raises `NotFoundError`, `InvalidRequestError` and `TransientError`."""
    match command:
        case ListTenants(limit=limit, cursor=cursor):
            return _list_tenants(limit, cursor, ports)
        case ShowTenant(tenant_id=tenant_id):
            return _show_tenant(tenant_id, ports, now)
        case ShowJob(job_id=job_id):
            job = ports.jobs.load(job_id)
            if job is None:
                raise NotFoundError(f"there is no job {job_id}; its record expires 14 days after a deletion")
            return operators_view(job)
        case ShowProviders():
            return {"providers": [*_provider_views(ports, now)]}
        case ShowStatus():
            return _show_status(ports, now)
        case ShowSpend():
            return _show_spend(command, ports, now)


def _list_tenants(limit: int, cursor: str, ports: LookPorts) -> dict[str, JsonValue]:
    after = (tenant_id for tenant_id in ports.tenants.tenant_ids() if tenant_id > cursor)
    found = list(islice(after, limit + 1))
    return {
        "tenants": [_credits_of(tenant_id, ports.wallets) for tenant_id in found[:limit]],
        "next_cursor": found[limit - 1] if len(found) > limit else None,
    }


def _credits_of(tenant_id: str, wallets: WalletStore) -> JsonValue:
    wallet = wallets.find(tenant_id)
    if wallet is None:
        return {"tenant_id": tenant_id, "plan": None}
    return {
        "tenant_id": tenant_id,
        "plan": wallet.plan.value,
        "balance_credits": wallet.balance,
        "held_credits": wallet.held,
        "spent_credits": wallet.spent,
        "in_flight_jobs": wallet.open_jobs,
        "suspended_at": rfc3339(wallet.suspended_at),
    }


def _show_tenant(tenant_id: str, ports: LookPorts, now: datetime) -> dict[str, JsonValue]:
    tenant, wallet = ports.tenants.find_tenant(tenant_id), ports.wallets.find(tenant_id)
    if tenant is None or wallet is None:
        raise NotFoundError(f"there is no tenant {tenant_id}; list-tenants lists them")
    triggers = ports.triggers.of_tenant(tenant_id)
    account = Account.of(wallet, now).as_json()
    return {
        **{name: value for name, value in account.items() if name != "object"},
        "created_at": rfc3339(tenant.created_at),
        "suspended_at": rfc3339(wallet.suspended_at),
        "keys": [{**key_view(key), "valid": key.is_live(now)} for key in ports.tenants.keys_of(tenant_id)],
        "triggers": triggers.model_dump(mode="json", include={"inbox", "events", "sources"}),
    }


def _provider_views(ports: LookPorts, now: datetime) -> tuple[dict[str, JsonValue], ...]:
    catalogue = ports.catalogue()
    names = catalogue.provider_ids()
    spending = ports.brakes.load(names, day_of(now))
    settings = {name: catalogue.settings_of(name) for name in names}
    now_ms, every_slot = epoch_ms(now), ""
    return tuple(
        provider_view(
            ports.provider_states.look(name, every_slot, settings[name].limits, now_ms),
            spending[name],
            settings[name],
            now,
        )
        for name in names
    )


def _show_status(ports: LookPorts, now: datetime) -> dict[str, JsonValue]:
    names = ports.catalogue().provider_ids()
    recoverable, more = first_recoverable(names, ports.recoverable, now)
    overdue = islice(ports.due.find(now - OVERDUE_AFTER), MOST_OVERDUE)
    found = Findings(
        providers=_provider_views(ports, now),
        unknown={name: len(ports.purchases.with_unknown_outcome(name)) for name in names},
        recoverable=recoverable,
        more_recoverable=more,
        overdue=sum(1 for _ in overdue),
    )
    return {**status_view(found, now), **draining_view(ports.brakes, ports.due)}


def _show_spend(asked: ShowSpend, ports: LookPorts, now: datetime) -> dict[str, JsonValue]:
    last = asked.to_day or day_of(now)
    first = asked.from_day or last.replace(day=1)
    if wrong := list(wrong_span(first, last)):
        raise InvalidRequestError(wrong)
    if asked.tenant_id is not None and ports.tenants.find_tenant(asked.tenant_id) is None:
        raise NotFoundError(f"there is no tenant {asked.tenant_id}; list-tenants lists them")
    tenant_ids = ports.tenants.tenant_ids() if asked.tenant_id is None else iter((asked.tenant_id,))
    return {
        "from": str(first),
        "to": str(last),
        "credit_usd": None if asked.credit_usd is None else str(asked.credit_usd),
        **spend_of(_lines(tenant_ids, first, last, ports.usage), asked.credit_usd),
    }


def _lines(tenant_ids: Iterator[str], first: date, last: date, usage: UsageStore) -> Iterator[UsageLine]:
    for tenant_id in tenant_ids:
        yield from usage.lines(tenant_id, first, last)
