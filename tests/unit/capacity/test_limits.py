"""The limits of the simulation behave as AWS says that its own do."""

import pytest

from fermata.adapters.dynamodb import transactions
from tests.benchmarks.capacity.limits import ITEM_UNITS_A_SECOND, Bucket, Patience, SharedItem
from tests.benchmarks.capacity.simulation import PATIENCE

IN_FULL = 1.0


def _item() -> SharedItem:
    return SharedItem("wallet", 0.010, Patience(first_pause_s=0.02, longest_pause_s=0.4, for_s=3))


def test_a_bucket_serves_its_burst_at_once_and_then_as_fast_as_tokens_flow_in() -> None:
    bucket = Bucket("requests", per_second=10, burst=3)
    assert [round(bucket.take(0), 3) for _ in range(5)] == [0, 0, 0, 0.1, 0.2]


def test_a_bucket_fills_while_nobody_asks_but_never_above_its_burst() -> None:
    bucket = Bucket("requests", per_second=10, burst=3)
    for _ in range(3):
        bucket.take(0)
    assert bucket.take(0.1) == 0
    assert [round(bucket.take(1000), 3) for _ in range(4)] == [0, 0, 0, 0.1]


def test_the_second_of_two_transactions_at_one_item_comes_back_after_a_pause() -> None:
    item = _item()
    assert item.write(0, 0, 0, 2, lambda: IN_FULL) == 0
    assert item.write(0.005, 0.005, 0, 2, lambda: IN_FULL) == pytest.approx(0.02)
    assert item.write(0.025, 0.005, 1, 2, lambda: IN_FULL) == 0
    assert (item.asked, item.conflicts, item.given_up) == (2, 1, 0)


def test_pauses_double_up_to_the_longest() -> None:
    patience = _item().patience
    assert [patience.pause_s(tries, IN_FULL) for tries in (0, 1, 4, 5, 50)] == pytest.approx(
        [0.02, 0.04, 0.32, 0.4, 0.4]
    )


def test_a_transaction_gives_up_when_its_next_try_would_come_too_late() -> None:
    item = _item()
    item.write(2.99, 2.99, 0, 2, lambda: IN_FULL)
    assert item.write(2.995, 0, 9, 2, lambda: IN_FULL) is None
    assert item.given_up == 1


def test_an_item_takes_no_more_units_than_its_partition() -> None:
    item = _item()
    assert item.write(0, 0, 0, 2 * ITEM_UNITS_A_SECOND, lambda: IN_FULL) == 0
    assert item.write(0.5, 0.5, 0, 2, lambda: IN_FULL) != 0
    assert item.write(1.5, 1.5, 0, 2, lambda: IN_FULL) == 0


def test_the_simulation_is_as_patient_as_the_transactions_that_it_stands_for() -> None:
    pauses_s = (transactions._FIRST_PAUSE_S, transactions._LONGEST_PAUSE_S)  # noqa: SLF001 - the same truth
    assert Patience(*pauses_s, transactions.PATIENCE_S) == PATIENCE
