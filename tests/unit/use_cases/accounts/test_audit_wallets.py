"""The audit finds a wallet that contradicts its ledger, skips one that only moves, and never scans the table."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from fermata.domain.jobs.job import Job
from fermata.domain.money.movement import EntryKind, LedgerEntry, grant_of, hold_on, settlement_of
from fermata.domain.money.wallet import Plan, Wallet, empty_wallet
from fermata.domain.money.wallet_audit import Drift, LedgerSums, drift_of, sums_of
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.tenants.tenant import Tenant
from fermata.domain.web.formats import rfc3339
from fermata.errors import TransientError
from fermata.ports.money import WalletStore
from fermata.use_cases.accounts.audit_wallets import AuditPorts, audit_wallets
from local.deploy.transform import read_template
from tests.fakes.clock import NOON
from tests.fakes.metrics import RecordingMetrics
from tests.fakes.money.ledger import Ledger, ledger_in_dynamodb, ledger_in_memory
from tests.fakes.money.ledger_store import InMemoryLedgerStore
from tests.fakes.money.orders import created, delivered, funded
from tests.fakes.money.wallet_store import InMemoryWalletStore
from tests.fakes.tenants.tenant_store import InMemoryTenantStore
from tests.functions import ROOT
from tests.songs import queued_job, rate_limited
from tests.support.cloud import TABLE, AnswersInstead, aws_error, dynamodb_with_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SAID_OF_ALL = [("WalletDriftCredits", 0)]


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        yield dynamodb_with_table()


@pytest.fixture(params=["in_memory", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    made = (
        ledger_in_memory() if request.param == "in_memory" else ledger_in_dynamodb(request.getfixturevalue("dynamodb"))
    )
    return funded(made, 100)


@dataclass
class Audit:
    """One run over some tenants, and what it reported."""

    wallets: WalletStore
    tenants: InMemoryTenantStore = field(default_factory=InMemoryTenantStore)
    metrics: RecordingMetrics = field(default_factory=RecordingMetrics)
    by_time: InMemoryLedgerStore = field(default_factory=lambda: InMemoryLedgerStore(InMemoryWalletStore()))
    drifts: dict[str, Drift] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def run(self, *tenant_ids: str) -> dict[str, int]:
        for tenant_id in tenant_ids:
            self.tenants.create_tenant(Tenant(tenant_id=tenant_id, created_at=NOON))
        drifted, skipped = self.drifts.__setitem__, self.skipped.__setitem__
        ports = AuditPorts(self.tenants, self.wallets, self.by_time, self.metrics, drifted, skipped)
        return audit_wallets(ports, NOON)


class TwoPages(InMemoryWalletStore):
    """Reads ledgers in two pages, the first until `page_ends`; between them happens what is to happen meanwhile."""

    def __init__(self, *wallets: Wallet) -> None:
        super().__init__(*wallets)
        self.page_ends = ""
        self.meanwhile: list[Callable[[], object]] = []
        self.readings = 0

    def ledger(self, tenant_id: str) -> list[LedgerEntry]:
        self.readings += 1
        first = [entry for entry in super().ledger(tenant_id) if entry.entry_id <= self.page_ends]
        if self.meanwhile:
            self.meanwhile.pop(0)()
        return first + [entry for entry in super().ledger(tenant_id) if entry.entry_id > self.page_ends]


@pytest.fixture
def busy() -> TwoPages:
    wallets = TwoPages(empty_wallet("acme", NOON))
    wallets.grant(grant_of("acme", 100, "0000-grant", NOON))
    return wallets


def job_of(number: int) -> Job:
    return queued_job(id=new_job_id(NOON, bytes([number] * 10)))


def order(wallets: InMemoryWalletStore, number: int) -> Callable[[], object]:
    return lambda: wallets.move(hold_on(job_of(number)))


# ---- the ledger, read by both fakes


def test_a_ledger_is_read_whole_and_comes_to_what_the_wallet_says(ledger: Ledger) -> None:
    ledger.jobs.settle(delivered(ledger))
    ledger.jobs.settle(created(ledger, id=new_job_id(NOON, bytes(10))).settled(rate_limited(), NOON))
    created(ledger, id=new_job_id(NOON, bytes([1] * 10)))
    entries = list(ledger.wallets.ledger("acme"))
    assert entries == ledger.entries("acme")
    assert sums_of(entries) == LedgerSums(granted=100, held=30, spent=30)
    assert drift_of(ledger.wallet(), sums_of(entries)) == Drift()
    assert list(ledger.wallets.ledger("other")) == []


@pytest.mark.parametrize("plan", [Plan.PREPAID, Plan.POSTPAID])
def test_untouched_wallets_do_not_drift(ledger: Ledger, plan: Plan) -> None:
    ledger.wallets.set_plan("acme", plan, None if plan is Plan.PREPAID else 500)
    created(ledger)
    ledger.wallets.open(empty_wallet("new", NOON))
    audit = Audit(ledger.wallets)
    assert audit.run("acme", "new") == {"tenants": 2, "drifting": 0, "skipped": 0, "drift_credits": 0}
    assert (audit.metrics.in_credits, audit.drifts) == (SAID_OF_ALL, {})


# ---- drift


class Miscounted(InMemoryWalletStore):
    """Wallets of `acme` are reported with counters that nothing explains."""

    wrong: Mapping[str, int] = MappingProxyType({})

    def find(self, tenant_id: str) -> Wallet | None:
        wallet = super().find(tenant_id)
        return wallet.model_copy(update=self.wrong) if wallet and tenant_id == "acme" else wallet


@pytest.mark.parametrize(
    ("changes", "drift", "credit"),
    [
        ({"granted": 107, "balance": 77}, Drift(granted=7, balance=7), 7),
        ({"balance": 69}, Drift(balance=-1, unbalanced=1), 1),
        ({"balance": 75, "held": 25}, Drift(balance=5, held=-5), 5),
        ({"held": 0, "spent": 30}, Drift(held=-30, spent=30), 30),
        ({"spent": 2}, Drift(spent=2, unbalanced=-2), 2),
    ],
)
def test_an_unexplained_counter_is_found(changes: dict[str, int], drift: Drift, credit: int) -> None:
    wallets = Miscounted(empty_wallet("acme", NOON), empty_wallet("new", NOON))
    wallets.grant(grant_of("acme", 100, "0000-grant", NOON))
    wallets.move(hold_on(job_of(1)))
    wallets.wrong = changes
    audit = Audit(wallets)
    assert audit.run("acme", "new") == {"tenants": 2, "drifting": 1, "skipped": 0, "drift_credits": credit}
    assert audit.drifts == {"acme": drift}
    assert audit.metrics.in_credits == [("WalletDriftCredits", credit)]


def test_a_lost_write_in_the_table_is_found(dynamodb: "DynamoDBClient") -> None:
    ledger = funded(ledger_in_dynamodb(dynamodb), 100)
    created(ledger)
    dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": "WALLET#acme"}, "sk": {"S": "WALLET"}},
        UpdateExpression="ADD held :less, balance :more",
        ExpressionAttributeValues={":less": {"N": "-30"}, ":more": {"N": "30"}},
    )
    audit = Audit(ledger.wallets)
    assert audit.run("acme")["drift_credits"] == 30
    assert audit.drifts == {"acme": Drift(balance=30, held=-30)}


# ---- busy wallets


def test_a_wallet_that_moved_while_its_ledger_was_read_is_read_again(busy: TwoPages) -> None:
    busy.meanwhile = [order(busy, 1)]
    audit = Audit(busy)
    assert audit.run("acme") == {"tenants": 1, "drifting": 0, "skipped": 0, "drift_credits": 0}
    assert (busy.readings, audit.metrics.in_credits) == (2, SAID_OF_ALL)


def test_a_job_that_came_and_went_between_two_pages_is_no_drift(busy: TwoPages) -> None:
    job = job_of(1)
    busy.page_ends = hold_on(job).entries[0].entry_id

    def come_and_go() -> None:
        busy.move(hold_on(job))
        busy.move(settlement_of(job.settled(rate_limited(), NOON)))

    busy.meanwhile = [come_and_go]
    before = busy.find("acme")
    audit = Audit(busy)
    assert audit.run("acme")["drifting"] == 0
    after = busy.find("acme")
    assert before
    assert after
    assert (before.balance, before.held, busy.readings) == (after.balance, after.held, 2)


def test_an_unreadable_item_hides_no_other_wallet(dynamodb: "DynamoDBClient") -> None:
    ledger = funded(ledger_in_dynamodb(dynamodb), 100)
    ledger.wallets.open(empty_wallet("broken", NOON))
    broken = {"pk": {"S": "WALLET#broken"}, "sk": {"S": "LEDGER#0-grant"}, "kind": {"S": "no such kind"}}
    dynamodb.put_item(TableName=TABLE, Item=broken)
    audit = Audit(ledger.wallets)
    assert audit.run("acme", "broken") == {"tenants": 2, "drifting": 0, "skipped": 1, "drift_credits": 0}
    assert list(audit.skipped) == ["broken"]
    assert "WALLET#broken/LEDGER#0-grant cannot be read" in audit.skipped["broken"]
    assert "no such kind" not in audit.skipped["broken"]
    assert audit.metrics.in_credits == []


def test_a_wallet_that_keeps_changing_is_skipped_and_no_total_is_reported(busy: TwoPages) -> None:
    busy.meanwhile = [order(busy, number) for number in range(3)]
    audit = Audit(busy)
    assert audit.run("acme") == {"tenants": 1, "drifting": 0, "skipped": 1, "drift_credits": 0}
    assert (audit.skipped, audit.metrics.in_credits) == ({"acme": "its credits kept moving"}, [])


def test_counters_that_contradict_each_other_are_found_although_they_move() -> None:
    wallets = TwoPages(empty_wallet("acme", NOON).model_copy(update={"granted": 90, "balance": 91}))
    wallets.meanwhile = [order(wallets, number) for number in range(3)]
    audit = Audit(wallets)
    assert audit.run("acme") == {"tenants": 1, "drifting": 1, "skipped": 0, "drift_credits": 1}
    assert audit.drifts == {"acme": Drift(unbalanced=-1)}


# ---- trouble with one


class Unreadable(InMemoryWalletStore):
    """Cannot read the ledger of `acme`."""

    def ledger(self, tenant_id: str) -> list[LedgerEntry]:
        if tenant_id == "acme":
            raise TransientError("throttled")
        return super().ledger(tenant_id)


def test_a_wallet_that_cannot_be_read_keeps_no_other_waiting() -> None:
    drifting = empty_wallet("other", NOON).model_copy(update={"granted": 3, "balance": 3})
    audit = Audit(Unreadable(empty_wallet("acme", NOON), drifting))
    assert audit.run("acme", "none", "other") == {"tenants": 3, "drifting": 1, "skipped": 2, "drift_credits": 3}
    missing = "tenant none has no wallet; create the tenant once more"
    assert audit.skipped == {"acme": "throttled", "none": missing}
    assert audit.metrics.in_credits == [("WalletDriftCredits", 3)]


# ---- long ledgers


def fill(dynamodb: "DynamoDBClient", notes: int) -> None:
    """Notes as long as they come: they move nothing and fill pages."""
    entry = LedgerEntry(entry_id="x", kind=EntryKind.NOTE, credits=0, at=NOON, attempt=1, text="n" * 850)
    same: dict[str, Any] = {
        "pk": {"S": "WALLET#acme"},
        "kind": {"S": "note"},
        "credits": {"N": "0"},
        "at": {"S": NOON.isoformat()},
        "text": {"S": str(entry.text)},
    }
    for first in range(0, notes, 25):
        ids = [f"1{number:05d}" for number in range(first, first + 25)]
        keys = [{"sk": {"S": f"LEDGER#{rfc3339(NOON)}#{id_}"}, "entry_id": {"S": id_}} for id_ in ids]
        puts: list[Any] = [{"PutRequest": {"Item": {**same, **key}}} for key in keys]
        dynamodb.batch_write_item(RequestItems={TABLE: puts})


def test_thousands_of_entries_are_read_page_by_page_and_none_is_left_out(dynamodb: "DynamoDBClient") -> None:
    ledger = funded(ledger_in_dynamodb(dynamodb), 100)
    fill(dynamodb, 3000)
    ledger.wallets.grant(grant_of("acme", 7, "2-grant", NOON))
    pages = AnswersInstead(dynamodb, "Query")
    entries = iter(ledger.wallets.ledger("acme"))
    assert (next(entries).entry_id, pages.calls) == ("0000-grant", 1)
    assert (sum(1 for _ in entries), pages.calls) == (3001, 3)
    audit = Audit(ledger.wallets)
    assert audit.run("acme") == {"tenants": 1, "drifting": 0, "skipped": 0, "drift_credits": 0}


def test_a_ledger_that_breaks_off_between_pages_is_not_taken_for_whole(dynamodb: "DynamoDBClient") -> None:
    ledger = funded(ledger_in_dynamodb(dynamodb), 100)
    fill(dynamodb, 1500)
    AnswersInstead(dynamodb, "Query", lambda: None, aws_error("ThrottlingException"))
    audit = Audit(ledger.wallets)
    assert audit.run("acme")["skipped"] == 1
    assert audit.skipped == {"acme": "the table could not be read: ThrottlingException"}


# ---- the template


def test_the_function_only_reads_and_keeps_balances_and_never_scans() -> None:
    resources = read_template(ROOT / "template.yaml")["Resources"]
    (policy,) = resources["AuditWalletsFunction"]["Properties"]["Policies"]
    allowed = {statement["Sid"]: (statement["Action"], statement["Condition"]) for statement in policy["Statement"]}
    assert allowed == {
        "FindTenants": (
            "dynamodb:Query",
            {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["TENANTS"]}},
        ),
        "ReadWalletsAndLedgers": (
            ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"],
            {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["WALLET#*"]}},
        ),
        "KeepBalances": (
            "dynamodb:PutItem",
            {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["BALANCE#*"]}},
        ),
    }
