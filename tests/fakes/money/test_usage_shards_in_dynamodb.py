"""Usage is counted in shards, so that the ends of one tenant's jobs share no item, and read as one sum."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.money.reports.day_pages import DayList, DayPage
from fermata.domain.money.usage import Usage
from fermata.domain.orders.job_id import new_job_id
from tests.fakes.clock import NOON
from tests.fakes.money.ledger import Ledger, items, ledger_in_dynamodb
from tests.fakes.money.orders import created
from tests.fakes.tenants.orders import rich
from tests.songs import rate_limited
from tests.support.cloud import TABLE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TODAY = NOON.date()
MODEL = "minimax/music-2.5"
WHOLE = DayPage(DayList("acme", TODAY, TODAY), 1000)


@pytest.fixture
def ledger(dynamodb: "DynamoDBClient") -> Ledger:
    return rich(ledger_in_dynamodb(dynamodb))


def end_jobs(ledger: Ledger, jobs: int) -> None:
    for number in range(jobs):
        job = created(ledger, id=new_job_id(NOON, number.to_bytes(10)))
        ledger.jobs.settle(job.settled(rate_limited(), NOON))


def count_as_before_shards(client: "DynamoDBClient", model: str, jobs: int) -> None:
    """What a run of an earlier release writes."""
    transactions = DynamoTransactions(client, TABLE)
    values = {":unit": "song", ":jobs": jobs, ":nothing": 0}
    counters = (
        "ADD #jobs :jobs , #succeeded :nothing , #credits :nothing , #unit_thousandths :nothing , #audio_ms :nothing"
    )
    part = transactions.update("USAGE#acme", f"{TODAY}#{model}", f"SET #unit = :unit {counters}", None, values)
    transactions.write({"usage": part}, transactions.deadline())


def used(model: str, jobs: int) -> Usage:
    return Usage(tenant_id="acme", day=TODAY, model=model, jobs=jobs, succeeded=0, credits=0, audio_ms=0)


def test_many_jobs_count_in_many_items_and_are_read_as_one_sum(ledger: Ledger, dynamodb: "DynamoDBClient") -> None:
    end_jobs(ledger, 60)
    shards = items(dynamodb, "USAGE#acme#COUNTERS", f"{TODAY}#{MODEL}#")
    assert len(shards) == 16
    assert max(shard["jobs"] for shard in shards) < 12
    assert ledger.usage.find(WHOLE) == ([used(MODEL, 60)], None)


def test_what_an_earlier_release_counted_is_added_on_every_page(ledger: Ledger, dynamodb: "DynamoDBClient") -> None:
    end_jobs(ledger, 20)
    for model, jobs in ((MODEL, 5), (f"{MODEL}-fast", 7), ("aimlapi/a", 2), ("minimax/z", 1)):
        count_as_before_shards(dynamodb, model, jobs)
    all_of_it = [used("aimlapi/a", 2), used(MODEL, 25), used(f"{MODEL}-fast", 7), used("minimax/z", 1)]
    assert ledger.usage.find(WHOLE) == (all_of_it, None)
    assert [*ledger.usage.counters("acme", TODAY, TODAY)] == all_of_it
    found, page = [], replace(WHOLE, limit=1)
    while True:
        entries, after = ledger.usage.find(page)
        found += entries
        if after is None:
            break
        page = replace(page, after=after)
    assert found == all_of_it


def test_a_page_of_exactly_the_rest_is_the_last(ledger: Ledger) -> None:
    end_jobs(ledger, 3)
    assert ledger.usage.find(replace(WHOLE, limit=1)) == ([used(MODEL, 3)], None)
