"""Calls are counted roughly and cheaply: in batches, over all execution environments, and never at a request's cost;
uploads of a day exactly.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest
from moto import mock_aws

from fermata.adapters.dynamodb.money.wallet_store import DynamoWalletStore
from fermata.adapters.dynamodb.tenants.call_counts import DynamoCallCounts
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.money.wallet import Plan, empty_wallet
from fermata.domain.tenants.plan_limits import (
    CALL_KINDS,
    CANCELS,
    CHANGES,
    DEFAULT_LIMITS,
    READS,
    REFUSED_ORDERS,
    CallKind,
    PlanLimits,
)
from fermata.errors import TransientError
from fermata.limit_errors import RateLimitedError
from fermata.ports.money import WalletStore
from fermata.ports.tenants import CallCount, CallCounts
from fermata.use_cases.accounts.count_calls import CallMeter, FreeCalls, count_reference
from tests.fakes.clock import NOON
from tests.fakes.money.wallet_store import InMemoryWalletStore
from tests.fakes.tenants.call_counts import InMemoryCallCounts
from tests.support.cloud import TABLE, AnswersInstead, aws_error, dynamodb_with_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        yield dynamodb_with_table()


@pytest.fixture(params=["in_memory", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> tuple[WalletStore, CallCounts]:
    if request.param == "in_memory":
        wallets = InMemoryWalletStore()
        return wallets, wallets.calls
    client = request.getfixturevalue("dynamodb")
    return DynamoWalletStore(DynamoTransactions(client, TABLE)), DynamoCallCounts(client, TABLE)


def test_reads_of_a_minute_add_up_for_each_tenant(stores: tuple[WalletStore, CallCounts]) -> None:
    _, counts = stores
    assert counts.add("acme", READS, "2026-11-21T12:00", 1) == CallCount(1, 600)
    assert counts.add("acme", READS, "2026-11-21T12:00", 30) == CallCount(31, 600)
    assert counts.add("other", READS, "2026-11-21T12:00", 2).used == 2
    assert counts.add("acme", READS, "2026-11-21T12:01", 5).used == 5
    assert counts.add("acme", READS, "2026-11-21T12:00", 1).used == 6


def test_the_plan_says_how_many_reads_there_may_be(stores: tuple[WalletStore, CallCounts]) -> None:
    wallets, counts = stores
    wallets.open(empty_wallet("acme", NOON))
    assert counts.add("acme", READS, "2026-11-21T12:00", 3).quota == 600
    wallets.set_plan("acme", Plan.PREPAID, None, PlanLimits(reads_per_minute=7))
    assert counts.add("acme", READS, "2026-11-21T12:00", 1) == CallCount(4, 7)
    wallets.set_plan("acme", Plan.PREPAID, None)
    assert counts.add("acme", READS, "2026-11-21T12:01", 1) == CallCount(1, 600)


def test_a_table_that_cannot_be_written_is_transient(dynamodb: "DynamoDBClient") -> None:
    with pytest.raises(TransientError):
        DynamoCallCounts(dynamodb, "no-such-table").add("acme", READS, "2026-11-21T12:00", 1)
    AnswersInstead(dynamodb, "UpdateItem", *[aws_error("ConditionalCheckFailedException")] * 6)
    with pytest.raises(TransientError, match="kept beginning a minute"):
        DynamoCallCounts(dynamodb, TABLE).add("acme", READS, "2026-11-21T12:00", 1)


def reads(meter: CallMeter, times: int, now: datetime = NOON) -> int:
    """How many of so many reads were within the limit."""
    allowances = [meter.count("acme", now) for _ in range(times)]
    return sum(each is not None and not each.exceeded for each in allowances)


def limited(per_minute: int) -> InMemoryCallCounts:
    counts = InMemoryCallCounts()
    counts.limits["acme"] = PlanLimits(reads_per_minute=per_minute)
    return counts


@pytest.mark.parametrize("per_minute", [1, 2, 19, 20, 100, 600])
def test_one_environment_counts_exactly_and_writes_a_batch_at_a_time(per_minute: int) -> None:
    counts = limited(per_minute)
    meter = CallMeter(READS, counts)
    assert reads(meter, per_minute * 2) == per_minute
    assert counts.writes <= 22
    assert reads(meter, per_minute, NOON + timedelta(seconds=60)) == per_minute


def test_several_environments_exceed_the_limit_by_a_batch_each_at_most() -> None:
    counts = limited(100)
    meters = [CallMeter(READS, counts) for _ in range(4)]
    taken = sum(reads(meters[number % 4], 1) for number in range(400))
    assert 100 <= taken <= 100 + 4 * 5


def test_a_refused_caller_that_continues_costs_no_more_writes() -> None:
    counts = limited(10)
    meter = CallMeter(READS, counts)
    reads(meter, 10)
    writes = counts.writes
    assert reads(meter, 1000) == 0
    assert counts.writes == writes


def test_the_rest_is_reported_with_the_time_of_its_reset() -> None:
    meter = CallMeter(READS, limited(100))
    first, second = (meter.count("acme", NOON + timedelta(seconds=18)) for _ in range(2))
    assert first is not None
    assert second is not None
    assert (first.policy, first.quota, first.remaining, first.resets_in_s) == ("read", 100, 99, 42)
    assert second.remaining == 98


def test_reads_that_cannot_be_counted_fail_no_request() -> None:
    counts = limited(40)
    counts.failure = TransientError("reads could not be counted: ReadTimeoutError")
    meter = CallMeter(READS, counts)
    assert meter.count("acme", NOON) is None
    counts.failure = None
    assert reads(meter, 3) == 3
    counts.failure = TransientError("reads could not be counted: ReadTimeoutError")
    assert reads(meter, 50) == 37
    counts.failure = None
    assert meter.count("other", NOON) is not None


# ---- calls without a charge


def test_kinds_are_counted_side_by_side_and_reset_together(stores: tuple[WalletStore, CallCounts]) -> None:
    _, counts = stores
    for number, kind in enumerate(CALL_KINDS, 1):
        assert counts.add("acme", kind, "2026-11-21T12:00", number) == CallCount(number, usual(kind))
    assert [counts.add("acme", kind, "2026-11-21T12:00", 1).used for kind in CALL_KINDS] == [2, 3, 4, 5, 6, 7]
    for minute, kinds, calls in (("2026-11-21T12:01", CALL_KINDS, 7), ("2026-11-21T12:02", CALL_KINDS[::-1], 9)):
        assert [counts.add("acme", kind, minute, calls).used for kind in kinds] == [calls] * len(CALL_KINDS)


def usual(kind: CallKind) -> int:
    return int(getattr(DEFAULT_LIMITS, kind.limit))


def test_the_plan_says_how_many_calls_of_each_kind_there_may_be(stores: tuple[WalletStore, CallCounts]) -> None:
    wallets, counts = stores
    wallets.open(empty_wallet("acme", NOON))
    limits = PlanLimits(
        reads_per_minute=1,
        refused_orders_per_minute=2,
        changes_per_minute=3,
        trigger_calls_per_minute=4,
        webhook_repeats_per_minute=5,
    )
    wallets.set_plan("acme", Plan.PREPAID, None, limits)
    quotas = {kind.policy: counts.add("acme", kind, "2026-11-21T12:00", 1).quota for kind in CALL_KINDS}
    assert quotas == {"read": 1, "refused": 2, "change": 3, "cancel": 3, "trigger": 4, "webhook": 5}


def free_calls(counts: InMemoryCallCounts, kind: CallKind = REFUSED_ORDERS) -> FreeCalls:
    return FreeCalls(CallMeter(kind, counts), lambda: NOON)


def test_an_environment_that_counted_nothing_admits_without_a_read() -> None:
    counts = InMemoryCallCounts()
    counts.failure = TransientError("nobody is to be asked")
    calls = free_calls(counts)
    calls.check("acme")
    assert (calls.known("acme"), counts.writes) == (None, 0)


def test_the_call_after_the_last_free_one_is_refused_and_names_the_exceeded_limit() -> None:
    counts = InMemoryCallCounts()
    counts.limits["acme"] = PlanLimits(refused_orders_per_minute=3)
    calls = free_calls(counts)
    for _ in range(3):
        calls.check("acme")
        calls.count("acme")
    with pytest.raises(RateLimitedError, match="allows 3 orders that are refused or repeated a minute") as caught:
        calls.check("acme")
    assert caught.value.retry_after_s == 60
    calls.check("other")
    free_calls(counts, CANCELS).check("acme")


# ---- uploads of a day


TODAY: Final = NOON.date()


def uploads(counts: CallCounts, times: int, day: date = TODAY) -> list[int]:
    return [counts.add_reference("acme", day).used for _ in range(times)]


def test_uploads_of_a_day_are_counted_up_to_the_limit_and_no_further(stores: tuple[WalletStore, CallCounts]) -> None:
    wallets, counts = stores
    wallets.open(empty_wallet("acme", NOON))
    wallets.set_plan("acme", Plan.PREPAID, None, PlanLimits(references_per_day=3))
    assert uploads(counts, 5) == [1, 2, 3, 4, 4]
    wallets.set_plan("acme", Plan.PREPAID, None, PlanLimits(references_per_day=4))
    assert uploads(counts, 2) == [4, 5]
    assert counts.add_reference("other", NOON.date()) == CallCount(1, 1000)


def test_a_new_day_resets_the_count_and_a_late_clock_counts_in_it(stores: tuple[WalletStore, CallCounts]) -> None:
    wallets, counts = stores
    wallets.open(empty_wallet("acme", NOON))
    wallets.set_plan("acme", Plan.PREPAID, None, PlanLimits(references_per_day=2))
    tomorrow = NOON.date() + timedelta(days=1)
    assert (uploads(counts, 1), uploads(counts, 3, tomorrow), uploads(counts, 1)) == ([1], [1, 2, 3], [3])
    later = tomorrow + timedelta(days=1)
    assert (uploads(counts, 1, later), uploads(counts, 2)) == ([1], [2, 3])


def test_a_plan_that_names_no_uploads_has_the_usual_limit(
    monkeypatch: pytest.MonkeyPatch, dynamodb: "DynamoDBClient"
) -> None:
    usual = PlanLimits(references_per_day=2)
    monkeypatch.setattr("fermata.adapters.dynamodb.tenants.call_counts.DEFAULT_LIMITS", usual)
    assert uploads(DynamoCallCounts(dynamodb, TABLE), 4) == [1, 2, 3, 3]


def test_the_second_of_two_callers_that_begin_a_day_adds_to_the_first(dynamodb: "DynamoDBClient") -> None:
    counts = DynamoCallCounts(dynamodb, TABLE)

    def between() -> None:
        uploads(counts, 1)

    AnswersInstead(dynamodb, "UpdateItem", lambda: None, between)
    assert uploads(counts, 1) == [2]


def test_the_second_of_two_callers_that_begin_a_minute_adds_to_the_first(dynamodb: "DynamoDBClient") -> None:
    counts = DynamoCallCounts(dynamodb, TABLE)

    def between() -> None:
        counts.add("acme", CHANGES, "2026-11-21T12:00", 3)

    AnswersInstead(dynamodb, "UpdateItem", lambda: None, between)
    assert counts.add("acme", CHANGES, "2026-11-21T12:00", 2).used == 5


def test_a_day_that_others_keep_beginning_is_transient(dynamodb: "DynamoDBClient") -> None:
    AnswersInstead(dynamodb, "UpdateItem", *[aws_error("ConditionalCheckFailedException")] * 6)
    with pytest.raises(TransientError, match="kept beginning a day"):
        uploads(DynamoCallCounts(dynamodb, TABLE), 1)


def test_an_upload_that_cannot_be_counted_fails_no_request() -> None:
    counts = InMemoryCallCounts()
    counts.failure = TransientError("calls could not be counted: ReadTimeoutError")
    assert count_reference("acme", counts, NOON) is None
    assert free_calls(counts, CHANGES).count("acme") is None
