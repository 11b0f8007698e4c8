"""Reads are counted roughly and cheaply: by parcels, over all execution environments, and never at a request's cost."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from fermata.adapters.dynamo_read_counts import DynamoReadCounts
from fermata.adapters.dynamo_transactions import DynamoTransactions
from fermata.adapters.dynamo_wallet_store import DynamoWalletStore
from fermata.domain.plan_limits import PlanLimits
from fermata.domain.wallet import Plan, empty_wallet
from fermata.errors import TransientError
from fermata.ports import ReadCount, ReadCounts, WalletStore
from fermata.use_cases.counting_reads import ReadMeter
from tests.cloud import TABLE, AnswersInstead, aws_error, dynamodb_with_table
from tests.twins import NOON, InMemoryReadCounts, InMemoryWalletStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        yield dynamodb_with_table()


@pytest.fixture(params=["in_memory", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> tuple[WalletStore, ReadCounts]:
    if request.param == "in_memory":
        wallets = InMemoryWalletStore()
        return wallets, wallets.reads
    client = request.getfixturevalue("dynamodb")
    return DynamoWalletStore(DynamoTransactions(client, TABLE)), DynamoReadCounts(client, TABLE)


def test_reads_of_a_minute_add_up_for_each_tenant(stores: tuple[WalletStore, ReadCounts]) -> None:
    _, counts = stores
    assert counts.add("acme", "2026-11-21T12:00", 1) == ReadCount(1, 600)
    assert counts.add("acme", "2026-11-21T12:00", 30) == ReadCount(31, 600)
    assert counts.add("other", "2026-11-21T12:00", 2).reads == 2
    assert counts.add("acme", "2026-11-21T12:01", 5).reads == 5
    assert counts.add("acme", "2026-11-21T12:00", 1).reads == 6


def test_the_plan_says_how_many_reads_there_may_be(stores: tuple[WalletStore, ReadCounts]) -> None:
    wallets, counts = stores
    wallets.open(empty_wallet("acme", NOON))
    assert counts.add("acme", "2026-11-21T12:00", 3).per_minute == 600
    wallets.set_plan("acme", Plan.PREPAID, None, PlanLimits(reads_per_minute=7))
    assert counts.add("acme", "2026-11-21T12:00", 1) == ReadCount(4, 7)
    wallets.set_plan("acme", Plan.PREPAID, None)
    assert counts.add("acme", "2026-11-21T12:01", 1) == ReadCount(1, 600)


def test_a_table_that_cannot_be_written_is_transient(dynamodb: "DynamoDBClient") -> None:
    with pytest.raises(TransientError):
        DynamoReadCounts(dynamodb, "no-such-table").add("acme", "2026-11-21T12:00", 1)
    AnswersInstead(dynamodb, "UpdateItem", *[aws_error("ConditionalCheckFailedException")] * 6)
    with pytest.raises(TransientError, match="kept beginning a minute"):
        DynamoReadCounts(dynamodb, TABLE).add("acme", "2026-11-21T12:00", 1)


def reads(meter: ReadMeter, times: int, now: datetime = NOON) -> int:
    """How many of so many reads were within the limit."""
    allowances = [meter.count("acme", now) for _ in range(times)]
    return sum(each is not None and not each.exceeded for each in allowances)


def limited(per_minute: int) -> InMemoryReadCounts:
    counts = InMemoryReadCounts()
    counts.per_minute["acme"] = per_minute
    return counts


@pytest.mark.parametrize("per_minute", [1, 2, 19, 20, 100, 600])
def test_one_environment_counts_exactly_and_writes_a_parcel_at_a_time(per_minute: int) -> None:
    counts = limited(per_minute)
    meter = ReadMeter(counts)
    assert reads(meter, per_minute * 2) == per_minute
    assert counts.writes <= 22
    assert reads(meter, per_minute, NOON + timedelta(seconds=60)) == per_minute


def test_several_environments_go_beyond_by_a_parcel_each_at_most() -> None:
    counts = limited(100)
    meters = [ReadMeter(counts) for _ in range(4)]
    taken = sum(reads(meters[number % 4], 1) for number in range(400))
    assert 100 <= taken <= 100 + 4 * 5


def test_a_refused_caller_who_goes_on_costs_no_more_writes() -> None:
    counts = limited(10)
    meter = ReadMeter(counts)
    reads(meter, 10)
    writes = counts.writes
    assert reads(meter, 1000) == 0
    assert counts.writes == writes


def test_what_is_left_is_told_with_when_it_begins_anew() -> None:
    meter = ReadMeter(limited(100))
    first, second = (meter.count("acme", NOON + timedelta(seconds=18)) for _ in range(2))
    assert first is not None
    assert second is not None
    assert (first.policy, first.quota, first.remaining, first.resets_in_s) == ("read", 100, 99, 42)
    assert second.remaining == 98


def test_reads_that_cannot_be_counted_fail_no_request() -> None:
    counts = limited(40)
    counts.failure = TransientError("reads could not be counted: ReadTimeoutError")
    meter = ReadMeter(counts)
    assert meter.count("acme", NOON) is None
    counts.failure = None
    assert reads(meter, 3) == 3
    counts.failure = TransientError("reads could not be counted: ReadTimeoutError")
    assert reads(meter, 50) == 37
    counts.failure = None
    assert meter.count("other", NOON) is not None
