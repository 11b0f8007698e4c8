"""The simulation of many jobs waits where division says that a limit binds, and nowhere else."""

from collections.abc import Mapping
from random import Random

import pytest

from tests.benchmarks.capacity.needs import PLACES, Needs, Run, Shared, needs_of
from tests.benchmarks.capacity.simulation import bounds, simulate, writes_an_item_takes

TRANSITIONS = "Step Functions, state transitions"


def _needs(tokens: Mapping[str, float], seconds: float = 0.1, items: tuple[Shared, ...] = ()) -> Needs:
    return Needs("a song", tokens, (Run("SubmitJob", seconds),), items)


def test_the_limit_with_the_least_room_for_a_job_binds_first() -> None:
    found = bounds(_needs({TRANSITIONS: 10}, seconds=2, items=(Shared("a wallet", 6),)), item_writes_a_second=90)
    assert [(bound.limit, bound.per_second) for bound in found] == [("a wallet", 30), (TRANSITIONS, 150), (PLACES, 500)]


@pytest.mark.parametrize(
    ("needs", "per_second"),
    [(_needs({TRANSITIONS: 100}), 15), (_needs({}, seconds=10), 100)],
    ids=["a bucket", "places"],
)
def test_jobs_wait_above_the_bound_and_not_below_it(needs: Needs, per_second: float) -> None:
    calm, crowded = (simulate(needs, share * per_second, 400, Random(1)) for share in (0.5, 1.5))
    assert calm.waited(0.99) == 0
    assert crowded.waited(0.99) > 10
    assert calm.ended == calm.began > 0


def test_transactions_at_one_item_give_up_where_there_are_too_many() -> None:
    needs = _needs({}, items=(Shared("a wallet", 2),))
    calm, crowded = (simulate(needs, per_second, 30, Random(1)) for per_second in (20, 400))
    assert not calm.gave_up
    assert crowded.gave_up > crowded.began / 4


def test_an_item_takes_fewer_transactions_the_longer_each_holds_it() -> None:
    assert 120 < writes_an_item_takes(0.004, Random(1)) < 250
    assert 20 < writes_an_item_takes(0.020, Random(1)) < 50


def test_a_quota_that_was_raised_lets_more_jobs_through() -> None:
    needs = _needs({TRANSITIONS: 100})
    assert simulate(needs, 30, 100, Random(1), {TRANSITIONS: 4}).waited(0.99) == 0


def test_the_same_seed_plays_the_same_jobs() -> None:
    needs = _needs({TRANSITIONS: 10}, items=(Shared("a wallet", 6),))
    first, second = (simulate(needs, 50, 20, Random(7)) for _ in range(2))
    assert first == second


def test_what_only_one_job_writes_is_shared_by_none() -> None:
    counts = {
        "requests": 1,
        "transitions": 9,
        "calls": {"SubmitJob": {"states:StartExecution": 1, "dynamodb:PutItem": 2}},
        "write units": {"JOB/JOB": 12, "WALLET/WALLET": 4, "WALLET/LEDGER": 2, "of both indices": 4},
        "S3 writes": 2,
    }
    needs = needs_of("a song", counts, (Run("SubmitJob", 0.1),))
    assert needs.items == (Shared("the wallet of one hot tenant", 4, shards=16),)
    assert needs.tokens["DynamoDB, write units of the table"] == 22
    assert needs.tokens["Step Functions, StartExecution"] == 1


def test_a_shared_item_bears_more_the_wider_it_is_spread_and_a_plain_write_conflicts_with_nothing() -> None:
    assert Shared("a wallet", 4).per_second(80) == 40
    assert Shared("a budget", 2, shards=16).per_second(80) == 1280
    assert Shared("a counter", 1).per_second(80) == 1000
