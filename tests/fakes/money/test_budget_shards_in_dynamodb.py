"""A budget that is spread over shards: whatever runs do between each other's reads and writes, no claim exceeds it, and
none is refused while it suffices.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from moto import mock_aws

from fermata.adapters.dynamodb.providers.brake_store import DynamoBrakeStore
from fermata.adapters.dynamodb.providers.budget_shards import BUDGET, write_booked
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.providers.budget_shares import SHARDS, shard_of
from fermata.domain.providers.spending import Booking
from tests.fakes.clock import NOON
from tests.fakes.money.ledger import items
from tests.support.cloud import TABLE, dynamodb_with_table
from tests.support.direct_dynamodb import directly, empty
from tests.support.turns import Interrupted

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TODAY = NOON.date()
JOB_IN = {shard_of(f"job-{number}"): f"job-{number}" for number in range(200)}
"""A job of each shard."""


class Day:
    """A provider's day in DynamoDB."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self.client = client
        self.claims = 0

    def claim(self, shard: int, cost: int, budget: int, meanwhile: Callable[[], object] | None = None) -> bool:
        """Whether the claim was written; it is written with its booking, or neither is."""
        self.claims += 1
        name = f"CLAIM#{self.claims}"
        transactions = Interrupted(self.client, TABLE)
        transactions.meanwhile = meanwhile
        writes = {"job": transactions.put(name, "JOB", {})}
        failed = write_booked(JOB_IN[shard], writes, Booking("minimax", TODAY, cost), budget, transactions)
        assert failed.keys() <= {BUDGET}
        assert (transactions.get(name, "JOB") is None) is bool(failed)
        return not failed

    def correct(self, shard: int, more: int) -> None:
        booking = Booking("minimax", TODAY, more)
        assert not write_booked(JOB_IN[shard], {}, booking, None, DynamoTransactions(self.client, TABLE))

    def book_as_before_shards(self, cost: int) -> None:
        """What a run of an earlier release writes."""
        transactions = DynamoTransactions(self.client, TABLE)
        part = transactions.update("BUDGET#minimax", str(TODAY), "ADD #spent :more", None, {":more": cost})
        transactions.write({"budget": part}, transactions.deadline())

    @property
    def spent(self) -> int:
        store = DynamoBrakeStore(DynamoTransactions(self.client, TABLE))
        return store.load(["minimax"], TODAY)["minimax"].spent_micro_usd


@pytest.fixture
def day() -> Iterator[Day]:
    with mock_aws():
        yield Day(directly(dynamodb_with_table()))


def test_every_shard_has_a_job() -> None:
    assert set(JOB_IN) == set(range(SHARDS))


def test_what_was_booked_before_there_were_shards_counts(day: Day) -> None:
    day.book_as_before_shards(80)
    assert day.spent == 80
    assert [day.claim(shard, 10, 100) for shard in range(4)] == [True, True, False, False]
    assert day.spent == 100


def test_a_run_of_an_earlier_release_counts_beside_the_shards_and_sees_what_they_were_handed(day: Day) -> None:
    assert day.claim(0, 10, 1000)
    day.book_as_before_shards(985)
    assert (day.spent, day.claim(1, 10, 1000), day.claim(1, 5, 1000)) == (995, False, True)
    (of_day,) = items(day.client, "BUDGET#minimax", str(TODAY))
    assert of_day["spent"] == 1000


def test_the_last_of_a_budget_is_found_in_whatever_shard_it_is_left(day: Day) -> None:
    assert day.claim(3, 1, 10_000)
    assert day.claim(3, 1, 10_000)
    (left,) = items(day.client, "BUDGET#minimax#3", str(TODAY))
    assert left["room"] > 0
    assert day.claim(5, 10_000 - 2, 10_000)
    assert not day.claim(3, 1, 10_000)
    assert day.spent == 10_000


def test_a_lower_budget_holds_for_what_was_handed_out_under_a_higher_one(day: Day) -> None:
    for shard in range(4):
        assert day.claim(shard, 10, 100_000)
    assert [day.claim(shard, 10, 50) for shard in range(4)] == [True, False, False, False]
    assert day.spent == 50


def test_a_budget_that_comes_back_finds_no_room_of_before(day: Day) -> None:
    assert day.claim(0, 10, 1000)
    assert day.claim(0, 10, 1000)
    assert day.claim(1, 1970, 2000)
    assert not day.claim(0, 10, 1000)


def test_claims_without_a_budget_count_under_the_next_one(day: Day) -> None:
    assert all(day.claim(shard, 30, 0) for shard in range(3))
    assert (day.spent, day.claim(0, 11, 100), day.claim(0, 10, 100)) == (90, False, True)


def test_a_song_that_cost_more_than_was_booked_leaves_less_for_all_shards(day: Day) -> None:
    for shard in range(2):
        assert day.claim(shard, 10, 1000)
    day.correct(0, 900)
    assert (day.spent, day.claim(1, 81, 1000), day.claim(1, 80, 1000)) == (920, False, True)


def test_ordinary_claims_write_neither_the_day_nor_another_shard(day: Day) -> None:
    for shard in [*range(SHARDS)] * 2:
        assert day.claim(shard, 1, 10**9)
    (before,) = items(day.client, "BUDGET#minimax", str(TODAY))
    for shard in range(SHARDS):
        assert day.claim(shard, 1, 10**9)
    assert items(day.client, "BUDGET#minimax", str(TODAY)) == [before]
    assert day.spent == 3 * SHARDS


@pytest.mark.parametrize("taken", [0, 950, 990])
def test_of_two_claims_that_read_the_same_only_what_fits_passes(day: Day, taken: int) -> None:
    if taken:
        assert day.claim(2, taken, 1000)
    passed: list[bool] = []
    passed.append(day.claim(0, 40, 1000, lambda: passed.append(day.claim(0, 40, 1000))))
    assert sum(passed) == min(2, (1000 - taken) // 40)


def test_a_room_that_another_claim_used_up_meanwhile_serves_no_second_one(day: Day) -> None:
    for _ in range(2):
        assert day.claim(0, 10, 1000)
    (own,) = items(day.client, "BUDGET#minimax#0", str(TODAY))
    left = int(own["room"])
    assert day.claim(1, 1000 - 20 - left, 1000)
    assert not day.claim(0, left, 1000, lambda: day.claim(0, left, 1000))
    assert day.spent == 1000


def test_a_room_that_was_handed_out_meanwhile_under_a_higher_budget_serves_no_claim_under_a_lower_one(day: Day) -> None:
    for _ in range(2):
        assert day.claim(0, 10, 1000)

    def raise_it() -> None:
        assert all([day.claim(5, 1100, 10_000), day.claim(0, 10, 10_000), day.claim(0, 10, 10_000)])

    assert not day.claim(0, 10, 1000, raise_it)
    assert day.spent == 1140


def test_what_a_shard_books_while_all_are_counted_is_counted(day: Day) -> None:
    for _ in range(2):
        assert day.claim(1, 10, 1000)
    assert not day.claim(0, 975, 1000, lambda: day.claim(1, 10, 1000))
    assert day.spent == 30


def test_what_an_earlier_release_books_while_all_are_counted_is_counted(day: Day) -> None:
    day.book_as_before_shards(10)
    assert not day.claim(0, 985, 1000, lambda: day.book_as_before_shards(10))
    assert day.spent == 20


COSTS = st.integers(1, 40)
SHARD = st.integers(0, 2)
BUDGETS = st.sampled_from((0, 100, 130, 400))


class Budget(RuleBasedStateMachine):
    """Claims and corrections, some between another claim's reads and writes, under budgets that change."""

    client: ClassVar["DynamoDBClient"]

    def __init__(self) -> None:
        super().__init__()
        empty(self.client, TABLE)
        self.day, self.spent, self.budget = Day(self.client), 1, 100
        # A table of an earlier release; and what is corrected was booked before.
        self.day.book_as_before_shards(1)

    @rule(shard=SHARD, cost=COSTS)
    def claim(self, shard: int, cost: int) -> None:
        fits = self.fits(cost)
        assert self.day.claim(shard, cost, self.budget) is fits
        self.spent += cost if fits else 0

    @rule(shard=SHARD, more=st.integers(-30, 30).filter(bool))
    def correct(self, shard: int, more: int) -> None:
        self.day.correct(shard, more)
        self.spent += more

    @rule(cost=COSTS)
    def book_as_before_shards(self, cost: int) -> None:
        if self.fits(cost):
            self.day.book_as_before_shards(cost)
            self.spent += cost

    @rule(budget=BUDGETS)
    def set_budget(self, budget: int) -> None:
        self.budget = budget

    @rule(shard=SHARD, cost=COSTS, other=SHARD, of_other=COSTS, claims=st.booleans())
    def claim_amid(self, shard: int, cost: int, other: int, of_other: int, claims: bool) -> None:
        """Another run writes after this one read: the claim is judged by what there was before it or after it."""
        fitted = self.fits(cost)

        def between() -> None:
            if claims:
                self.claim(other, of_other)
            else:
                self.correct(other, -of_other)

        passed = self.day.claim(shard, cost, self.budget, between)
        fits = self.fits(cost)
        assert fits if passed else not (fits and fitted)
        self.spent += cost if passed else 0

    def fits(self, cost: int) -> bool:
        return not self.budget or self.spent + cost <= self.budget

    @invariant()
    def counts(self) -> None:
        assert self.day.spent == self.spent


@contextmanager
def _over_dynamodb() -> Iterator[None]:
    with mock_aws():
        Budget.client = directly(dynamodb_with_table())
        yield


def test_no_interleaving_exceeds_a_budget_or_refuses_what_fits_into_it() -> None:
    chosen = settings(
        max_examples=12,
        stateful_step_count=15,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    with _over_dynamodb():
        run_state_machine_as_test(Budget, settings=chosen)
