"""Jobs, wallets and ledgers of one store fake, looked at together."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer

from fermata.adapters.dynamodb.jobs.job_store import DynamoJobStore
from fermata.adapters.dynamodb.money.key_counters import counter_key
from fermata.adapters.dynamodb.money.ledger_store import DynamoLedgerStore
from fermata.adapters.dynamodb.money.usage_store import DynamoUsageStore
from fermata.adapters.dynamodb.money.wallet_store import DynamoWalletStore
from fermata.adapters.dynamodb.providers.brake_store import DynamoBrakeStore
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.money.key_counter import KeyCounter
from fermata.domain.money.movement import EntryKind, LedgerEntry
from fermata.domain.money.reports.day_pages import DayList, DayPage
from fermata.domain.money.usage import Usage
from fermata.domain.money.wallet import Wallet
from fermata.ports.jobs import JobStore
from fermata.ports.money import LedgerStore, UsageStore, WalletStore
from fermata.ports.providers import BrakeStore
from tests.fakes.jobs.job_store import InMemoryJobStore
from tests.fakes.money.ledger_store import InMemoryLedgerStore
from tests.fakes.money.wallet_store import InMemoryWalletStore
from tests.support.cloud import TABLE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class Ledger:
    """The stores over the same records; `entries` are a tenant's, oldest first, `counter_of` what a key of a tenant
    counted, None where it counted nothing.
    """

    jobs: JobStore
    wallets: WalletStore
    entries: Callable[[str], list[LedgerEntry]]
    usage: UsageStore
    by_time: LedgerStore
    counter_of: Callable[[str, str], KeyCounter | None]
    brakes: BrakeStore

    def used(self, tenant_id: str = "acme") -> list[Usage]:
        """All usage of a tenant."""
        return self.usage.find(DayPage(DayList(tenant_id, date.min, date.max), 1000))[0]

    def key_counter(self, key: str, tenant_id: str = "acme") -> KeyCounter | None:
        return self.counter_of(tenant_id, key)

    def wallet(self, tenant_id: str = "acme") -> Wallet:
        wallet = self.wallets.find(tenant_id)
        assert wallet is not None
        return wallet


def ledger_in_memory() -> Ledger:
    return ledger_over(InMemoryJobStore(InMemoryWalletStore()))


def ledger_over(jobs: InMemoryJobStore) -> Ledger:
    """A fake of the job store, and what it keeps beside its jobs."""
    wallets = jobs.wallets
    return Ledger(
        jobs, wallets, wallets.ledger, jobs.usage, InMemoryLedgerStore(wallets), wallets.key_counter, jobs.brakes
    )


def ledger_in_dynamodb(client: "DynamoDBClient", table: str = TABLE, **patience: Any) -> Ledger:  # noqa: ANN401 - pause and clock
    def entries(tenant_id: str) -> list[LedgerEntry]:
        return [LedgerEntry.model_validate(item) for item in items(client, f"WALLET#{tenant_id}", "LEDGER#", table)]

    def counter_of(tenant_id: str, key: str) -> KeyCounter | None:
        found = DynamoTransactions(client, table).get(*counter_key(tenant_id, key))
        if found is None:
            return None
        counter = KeyCounter.model_validate(found)
        assert found["committed"] == counter.committed
        return counter

    return Ledger(
        DynamoJobStore(DynamoTransactions(client, table, **patience)),
        DynamoWalletStore(DynamoTransactions(client, table, **patience)),
        entries,
        DynamoUsageStore(DynamoTransactions(client, table)),
        DynamoLedgerStore(DynamoTransactions(client, table)),
        counter_of,
        DynamoBrakeStore(DynamoTransactions(client, table)),
    )


def items(client: "DynamoDBClient", partition: str, begin: str, table: str = TABLE) -> list[dict[str, Any]]:
    """The items of a partition whose sort key begins so, without DynamoDB's type marks."""
    found = client.query(
        TableName=table,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :begin)",
        ExpressionAttributeValues={":pk": {"S": partition}, ":begin": {"S": begin}},
    )["Items"]
    read = TypeDeserializer().deserialize
    return [{name: read(value) for name, value in item.items()} for item in found]


def assert_the_ledger_explains(wallet: Wallet, entries: list[LedgerEntry]) -> None:
    """Nothing came or went without an entry, and nothing was lost on the way."""
    total = {kind: sum(entry.credits for entry in entries if entry.kind is kind) for kind in EntryKind}
    assert wallet.granted == wallet.balance + wallet.held + wallet.spent
    assert wallet.granted == total[EntryKind.GRANT]
    assert wallet.spent == total[EntryKind.SETTLE]
    assert wallet.held == total[EntryKind.HOLD] - total[EntryKind.SETTLE] - total[EntryKind.REFUND]
