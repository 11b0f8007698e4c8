"""Which files of a tenant are being taken, in memory and in DynamoDB."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from moto import mock_aws

from fermata.adapters.dynamodb.items import Item
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.adapters.dynamodb.triggers.open_batches import DynamoOpenBatches
from fermata.domain.triggers.batch import MOST_OPEN_BATCHES, RUNS_FOR
from fermata.domain.triggers.refusals import RefusedInARow
from fermata.ports.triggers import OpenBatches
from tests.fakes.clock import NOON
from tests.fakes.money.ledger import items
from tests.fakes.triggers.open_batches import InMemoryOpenBatches
from tests.support.cloud import TABLE, dynamodb_with_table

LATER = NOON + timedelta(minutes=15)
RUNS = [f"run-{number}" for number in range(MOST_OPEN_BATCHES)]


@pytest.fixture(params=["in_memory", "dynamodb"])
def batches(request: pytest.FixtureRequest) -> Iterator[OpenBatches]:
    if request.param == "in_memory":
        yield InMemoryOpenBatches()
        return
    with mock_aws():
        yield DynamoOpenBatches(DynamoTransactions(dynamodb_with_table(), TABLE))


def fill(batches: OpenBatches) -> None:
    assert all(batches.take("acme", run, LATER, NOON) for run in RUNS)


def test_a_tenant_has_a_few_places_and_another_has_its_own(batches: OpenBatches) -> None:
    fill(batches)
    assert not batches.take("acme", "beyond", LATER, NOON)
    assert batches.take("other", "beyond", LATER, NOON)


def test_a_run_that_requests_again_keeps_its_place_for_longer(batches: OpenBatches) -> None:
    fill(batches)
    assert batches.take("acme", RUNS[1], LATER + timedelta(days=8), NOON)
    assert [batches.take("acme", each, LATER + timedelta(days=1), LATER) for each in ("a", "b", "c")] == [
        True,
        True,
        False,
    ]


def test_a_place_is_free_once_it_is_given_back_and_no_other_is(batches: OpenBatches) -> None:
    fill(batches)
    batches.give_back("acme", RUNS[0])
    batches.give_back("acme", "a stranger")
    assert [batches.take("acme", each, LATER, NOON) for each in ("a", "b")] == [True, False]


def test_refusals_are_counted_by_run_and_kind_until_a_line_becomes_a_job(batches: OpenBatches) -> None:
    assert batches.refused_in_a_row("acme", "a") == RefusedInARow()
    batches.note_refusal("acme", "a", NOON, comes_again=True)
    batches.note_refusal("acme", "a", LATER, comes_again=True)
    batches.note_refusal("acme", "a", LATER, comes_again=False)
    assert batches.refused_in_a_row("acme", "a") == RefusedInARow(refused=1, waits=2, since=NOON)
    assert batches.refused_in_a_row("acme", "b") == RefusedInARow()
    batches.note_job("acme", "a")
    assert batches.refused_in_a_row("acme", "a") == RefusedInARow()


def test_a_run_that_has_ended_leaves_no_refusals(batches: OpenBatches) -> None:
    batches.note_refusal("acme", "a", NOON, comes_again=False)
    batches.give_back("acme", "a")
    assert batches.refused_in_a_row("acme", "a") == RefusedInARow()


class Stale(DynamoTransactions):
    """A table as it was before any place was taken."""

    def query(self, _partition: str, _begin: str) -> Iterator[Item]:
        return iter(())


def test_of_runs_that_saw_the_same_free_places_no_more_than_there_are_have_one() -> None:
    with mock_aws():
        batches = DynamoOpenBatches(Stale(dynamodb_with_table(), TABLE))
        fill(batches)
        assert not batches.take("acme", "beyond", LATER, NOON)


def test_what_is_noted_of_a_run_is_deleted_once_no_run_can_go_on_any_more() -> None:
    with mock_aws():
        client = dynamodb_with_table()
        batches = DynamoOpenBatches(DynamoTransactions(client, TABLE))
        batches.note_refusal("acme", "a", NOON, comes_again=True)
        batches.note_refusal("acme", "a", NOON + timedelta(hours=1), comes_again=False)
        (noted,) = items(client, "BATCHES#acme", "RUN")
    assert noted["ttl"] == int((NOON + timedelta(hours=1) + RUNS_FOR).timestamp())
