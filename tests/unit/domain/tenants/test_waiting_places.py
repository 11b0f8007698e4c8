"""Which places held requests have: few of them for each tenant, always the same, and never more than there are."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from fermata.adapters.dynamodb.tenants.waiting_places import DynamoWaitingPlaces
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.tenants.waiting_places import LOOKED_AT, looked_at, places_of
from fermata.errors import TransientError
from fermata.ports.tenants import WaitingPlaces
from tests.fakes.clock import NOON
from tests.fakes.tenants.waiting_places import InMemoryWaitingPlaces
from tests.support.cloud import TABLE, AnswersInstead, aws_error, dynamodb_with_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LATER = NOON + timedelta(seconds=29)
TENANTS = st.text(min_size=1, max_size=40)


@given(tenant=TENANTS, at_once=st.integers(1, 60), places=st.integers(0, 50))
def test_a_tenant_has_as_many_different_places_as_its_plan_says_if_there_are_so_many(
    tenant: str, at_once: int, places: int
) -> None:
    found = places_of(tenant, at_once, places)
    assert len(set(found)) == len(found) == min(at_once, places)
    assert all(0 <= place < places for place in found)
    assert found == places_of(tenant, at_once, places)


@given(tenant=TENANTS, places=st.integers(2, 50))
def test_a_larger_plan_keeps_the_places_of_the_smaller(tenant: str, places: int) -> None:
    assert set(places_of(tenant, 1, places)) <= set(places_of(tenant, 2, places))


@given(at_once=st.integers(0, 60), holder=st.text(max_size=40))
def test_a_request_looks_at_its_tenants_places_in_an_order_of_its_own(at_once: int, holder: str) -> None:
    places = tuple(range(at_once))
    tried = looked_at(places, holder)
    assert len(set(tried)) == len(tried) == min(at_once, LOOKED_AT)
    assert set(tried) <= set(places)


def test_tenants_are_spread_over_all_places() -> None:
    used = [place for number in range(200) for place in places_of(f"tenant-{number}", 5, 100)]
    assert len(set(used)) > 95
    assert max(used.count(place) for place in set(used)) < 30


def test_requests_that_come_together_try_different_places_first() -> None:
    assert len({looked_at(tuple(range(5)), f"holder-{number}")[0] for number in range(40)}) == 5


# ---- one contract


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        yield dynamodb_with_table()


@pytest.fixture(params=["in_memory", "dynamodb"])
def places(request: pytest.FixtureRequest) -> WaitingPlaces:
    if request.param == "in_memory":
        return InMemoryWaitingPlaces()
    return of_table(request.getfixturevalue("dynamodb"))


def of_table(client: "DynamoDBClient") -> WaitingPlaces:
    return DynamoWaitingPlaces(DynamoTransactions(client, TABLE))


def test_each_place_is_taken_once_in_the_requested_order(places: WaitingPlaces) -> None:
    assert [places.take((7, 2), holder, LATER, NOON) for holder in "abc"] == [7, 2, None]
    assert places.take((2, 3), "d", LATER, NOON) == 3
    assert places.take((), "e", LATER, NOON) is None
    places.give_back(2, "b")
    assert places.take((7, 2), "e", LATER, NOON) == 2


def test_a_place_is_free_at_the_end_of_its_lease_and_not_before(places: WaitingPlaces) -> None:
    places.take((1,), "a", LATER, NOON)
    assert places.take((1,), "b", LATER, LATER - timedelta(milliseconds=1)) is None
    assert places.take((1,), "b", LATER + timedelta(seconds=29), LATER) == 1


def test_no_request_gives_the_place_of_another_back(places: WaitingPlaces) -> None:
    places.take((1,), "a", LATER, NOON)
    places.take((1,), "b", LATER + timedelta(seconds=29), LATER)
    places.give_back(1, "a")
    places.give_back(4, "a")
    assert places.take((1,), "c", LATER + timedelta(seconds=29), LATER) is None


# ---- what only DynamoDB does


def test_of_forty_requests_at_once_as_many_have_a_place_as_there_are(dynamodb: "DynamoDBClient") -> None:
    places, among = of_table(dynamodb), places_of("acme", 5, 50)

    def take(number: int) -> int | None:
        return places.take(looked_at(among, f"holder-{number}"), f"holder-{number}", LATER, NOON)

    with ThreadPoolExecutor(16) as requests:
        taken = [place for place in requests.map(take, range(40)) if place is not None]
    assert sorted(taken) == sorted(among)


def test_a_request_that_loses_a_place_to_another_takes_a_different_one(dynamodb: "DynamoDBClient") -> None:
    places = of_table(dynamodb)

    def between() -> None:
        places.take((1,), "first", LATER, NOON)

    AnswersInstead(dynamodb, "PutItem", between)
    assert places.take((1, 2), "second", LATER, NOON) == 2


def test_a_tenant_who_has_all_of_its_places_writes_nothing(dynamodb: "DynamoDBClient") -> None:
    places = of_table(dynamodb)
    for holder in "ab":
        places.take((1, 2), holder, LATER, NOON)
    writes = AnswersInstead(dynamodb, "PutItem")
    assert [places.take((1, 2), holder, LATER, NOON) for holder in "cde"] == [None] * 3
    assert writes.calls == 0


@pytest.mark.parametrize("operation", ["BatchGetItem", "PutItem", "DeleteItem"])
def test_trouble_of_the_table_is_transient(dynamodb: "DynamoDBClient", operation: str) -> None:
    places = of_table(dynamodb)
    AnswersInstead(dynamodb, operation, aws_error("ThrottlingException", "canary"))
    with pytest.raises(TransientError) as caught:
        places.give_back(1, "a") if operation == "DeleteItem" else places.take((1,), "a", LATER, NOON)
    assert "canary" not in str(caught.value)
