"""Records as a release left them in its table, and everything that reads them."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fermata.adapters.dynamodb.jobs.due_jobs import DynamoDueJobs
from fermata.adapters.dynamodb.jobs.job_store import DynamoJobStore
from fermata.adapters.dynamodb.jobs.live_streams import DynamoLiveStreams
from fermata.adapters.dynamodb.jobs.recoverable_jobs import DynamoRecoverableJobs
from fermata.adapters.dynamodb.jobs.tenant_jobs import DynamoTenantJobs
from fermata.adapters.dynamodb.money.ledger_store import DynamoLedgerStore
from fermata.adapters.dynamodb.money.usage_store import DynamoUsageStore
from fermata.adapters.dynamodb.money.wallet_store import DynamoWalletStore
from fermata.adapters.dynamodb.providers.brake_store import DynamoBrakeStore
from fermata.adapters.dynamodb.providers.estimates import DynamoEstimates
from fermata.adapters.dynamodb.providers.provider_states import DynamoProviderStates
from fermata.adapters.dynamodb.providers.settings_store import DynamoSettingsStore
from fermata.adapters.dynamodb.tenants.tenant_store import DynamoTenantStore
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.adapters.dynamodb.triggers.trigger_store import DynamoTriggerStore
from fermata.adapters.dynamodb.webhooks.webhook_deliveries import DynamoWebhookDeliveries
from fermata.adapters.dynamodb.webhooks.webhook_store import DynamoWebhookStore
from fermata.domain.catalogue.models import Estimate
from fermata.domain.lists.job_list import JobList
from fermata.domain.lists.page import PageRequest
from fermata.domain.money.reports.day_pages import DayList, DayPage
from tests.support.cloud import TABLE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]
FOLDER: Final = Path(__file__).resolve().parents[2] / "fixtures" / "records"
RELEASES: Final = tuple(sorted(FOLDER.glob("*.json")))
LONG_AFTER: Final = datetime(2030, 1, 1, tzinfo=UTC)
PROVIDERS: Final = ("aimlapi", "apiinone", "minimax", "skillboss")
_FIRST_DAY: Final = date(2026, 11, 1)
_LAST_DAY: Final = date(2026, 12, 31)
_ANY: Final = Estimate(p50_s=60, p80_s=90)
Reader = Callable[[DynamoTransactions, str], object]
Lister = Callable[[DynamoTransactions, str], list[object]]


def items_of(release: Path) -> list[Item]:
    """The items that a release left, as DynamoDB returns them."""
    return list(json.loads(release.read_text("utf-8")))


def name_of(item: Item) -> str:
    return f"{item['pk']['S']}/{item['sk']['S']}"


def put(client: "DynamoDBClient", items: list[Item]) -> DynamoTransactions:
    """A table with these items, as the stores see it."""
    for item in items:
        client.put_item(TableName=TABLE, Item=item)
    return DynamoTransactions(client, TABLE)


def lists_with(item: Item) -> list[Lister]:
    """The lists in which an item, or what it belongs to, appears, with what has no default for a missing item; each
    takes the rest of the partition's name.
    """
    return _LISTS.get(item["pk"]["S"].partition("#")[0], [])


def reads_of(item: Item) -> list[Reader]:
    """What reads the item by itself."""
    if item["pk"]["S"] == "SETTINGS":
        return [lambda stored, _: DynamoSettingsStore(stored.client, TABLE).load(item["sk"]["S"])]
    return _READS.get(item["pk"]["S"].partition("#")[0], [])


def _jobs(stored: DynamoTransactions, _: str) -> list[object]:
    ids = DynamoTenantJobs(stored).find(PageRequest(JobList("demo"))).job_ids
    return list(DynamoJobStore(stored).load_all(ids))


def _jobs_with_metadata(stored: DynamoTransactions, _: str) -> list[object]:
    model = JobList("demo", model="minimax/music-2.5")
    return list(DynamoTenantJobs(stored).find(PageRequest(model)).job_ids)


def _due(stored: DynamoTransactions, _: str) -> list[object]:
    return list(DynamoDueJobs(stored).find(LONG_AFTER))


def _recoverable(stored: DynamoTransactions, _: str) -> list[object]:
    return [place for name in PROVIDERS for place in DynamoRecoverableJobs(stored).find(name, 100, None)]


def _webhooks(stored: DynamoTransactions, job_id: str) -> list[object]:
    return list(DynamoWebhookDeliveries(stored).of(job_id))


def _ledger(stored: DynamoTransactions, tenant_id: str) -> list[object]:
    return list(DynamoLedgerStore(stored).between(tenant_id, "", "9999"))


def _usage(stored: DynamoTransactions, tenant_id: str) -> list[object]:
    store, page = DynamoUsageStore(stored), DayPage(DayList(tenant_id, _FIRST_DAY, _LAST_DAY))
    days = [*store.find(page)[0], *store.counters(tenant_id, _FIRST_DAY, _LAST_DAY)]
    return [*days, *store.log(page)[0], *store.lines(tenant_id, _FIRST_DAY, _LAST_DAY)]


def _keys(stored: DynamoTransactions, _: str) -> list[object]:
    tenants = DynamoTenantStore(stored, lambda: stored.client)
    return [*tenants.tenant_ids(), *(key for each in tenants.tenant_ids() for key in tenants.keys_of(each))]


def _providers(stored: DynamoTransactions, provider: str) -> list[object]:
    states = DynamoProviderStates(stored.client, TABLE).load_all(PROVIDERS)
    return [state for name, state in states.items() if name != provider]


def _brakes(stored: DynamoTransactions, provider: str) -> list[object]:
    brakes = DynamoBrakeStore(stored).load(PROVIDERS, date(2026, 11, 30))
    return [brake for name, brake in brakes.items() if name != provider]


def _job(stored: DynamoTransactions, job_id: str) -> object:
    store = DynamoJobStore(stored)
    return store.load(job_id), store.status(job_id)


def _wallet(stored: DynamoTransactions, tenant_id: str) -> object:
    wallets = DynamoWalletStore(stored)
    return wallets.find(tenant_id), list(wallets.ledger(tenant_id))


def _tenant(stored: DynamoTransactions, tenant_id: str) -> object:
    return DynamoTenantStore(stored, lambda: stored.client).find_tenant(tenant_id)


def _receipt(stored: DynamoTransactions, rest: str) -> object:
    tenant_id, _, key_sha256 = rest.partition("#")
    return DynamoJobStore(stored).find_receipt(tenant_id, key_sha256)


def _trigger(stored: DynamoTransactions, rest: str) -> object:
    kind, _, name = rest.partition("#")
    triggers = DynamoTriggerStore(stored)
    return triggers.of_tenant(name) if kind == "TENANT" else triggers.tenant_of(name)


_LISTS: Final[dict[str, list[Lister]]] = {
    "JOB": [_jobs, _jobs_with_metadata, _due, _recoverable],
    "DELIVERY": [_webhooks],
    "WALLET": [_ledger],
    "USAGE": [_usage],
    "TENANT": [_keys],
    "TENANTS": [_keys],
    "KEY": [_keys],
    "PROVIDER": [_providers],
    "BUDGET": [_brakes],
}
_READS: Final[dict[str, list[Reader]]] = {
    "JOB": [_job],
    "IDEMPOTENCY": [_receipt],
    "WALLET": [_wallet],
    "TENANT": [_tenant],
    "KEY": [lambda stored, key_id: DynamoTenantStore(stored, lambda: stored.client).find_key(key_id)],
    "LIVE": [lambda stored, sha256: DynamoLiveStreams(stored.client, TABLE).load(sha256)],
    "WEBHOOK": [lambda stored, tenant_id: DynamoWebhookStore(stored).find(tenant_id)],
    "WEBHOOK_SECRET": [lambda stored, tenant_id: DynamoWebhookStore(stored).secrets(tenant_id)],
    "TRIGGER": [_trigger],
    "PROVIDER": [lambda stored, name: DynamoProviderStates(stored.client, TABLE).load(name)],
    "ESTIMATES": [lambda stored, _: DynamoEstimates(stored.client, TABLE).of("minimax/music-2.5", _ANY)],
    "BALANCE": [lambda stored, tenant_id: DynamoLedgerStore(stored).balance(tenant_id, _LAST_DAY)],
}
