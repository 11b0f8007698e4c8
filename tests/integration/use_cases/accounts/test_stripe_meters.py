"""A job is billed to Stripe once, however often and however late its usage is published: the recipe of the documents,
against a fake of Stripe that forgets identifiers after a day.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from fermata.domain.jobs.job import Job
from fermata.domain.money.usage import usage_event
from fermata.domain.orders.job_id import new_job_id
from tests.fakes.clock import NOON, SettableClock
from tests.songs import delivered_job, queued_job, rate_limited
from tests.support.stripe_meters import Billed, FakeStripe, MeterConsumer, NotBilledYetError, stripe_on_this_machine

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ADA = "cus_ada"


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def records() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-west-1")
        client.create_table(
            TableName="billed",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "event_id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "event_id", "KeyType": "HASH"}],
        )
        yield client


@pytest.fixture
def stripe(clock: SettableClock) -> Iterator[FakeStripe]:
    with stripe_on_this_machine(clock) as listening:
        yield listening


@pytest.fixture
def consumer(records: "DynamoDBClient", stripe: FakeStripe, clock: SettableClock) -> MeterConsumer:
    return MeterConsumer(records, "billed", stripe.url, "sk_test_x", {"acme": ADA}, clock)


def event(job: Job | None = None) -> dict[str, Any]:
    return dict(usage_event(job or delivered_job()).detail)


def test_a_delivered_job_is_billed_its_credits_at_the_time_of_its_end(
    consumer: MeterConsumer, stripe: FakeStripe
) -> None:
    assert consumer.consume(event()) is Billed.NOW
    (post,) = stripe.posts
    assert post == {
        "event_name": "fermata_credits",
        "identifier": event()["event_id"],
        "timestamp": str(int(NOON.timestamp())),
        "payload[stripe_customer_id]": ADA,
        "payload[value]": "30",
    }
    assert len(post["identifier"]) <= 100


@pytest.mark.parametrize("later", [timedelta(0), timedelta(hours=23), timedelta(hours=25), timedelta(days=400)])
def test_an_event_that_comes_again_is_not_billed_again_even_when_stripe_has_forgotten_it(
    consumer: MeterConsumer, stripe: FakeStripe, clock: SettableClock, later: timedelta
) -> None:
    consumer.consume(event())
    clock.pass_seconds(later.total_seconds())
    assert consumer.consume(event()) is Billed.BEFORE
    assert (stripe.total(ADA), len(stripe.posts)) == (30, 1)


def test_stripe_alone_would_bill_an_event_twice_after_a_day(
    consumer: MeterConsumer, stripe: FakeStripe, clock: SettableClock, records: "DynamoDBClient"
) -> None:
    """What the record is for: without it the same event counts again."""
    consumer.consume(event())
    records.delete_item(TableName="billed", Key={"event_id": {"S": str(event()["event_id"])}})
    clock.pass_seconds(timedelta(hours=25).total_seconds())
    consumer.consume(event())
    assert stripe.total(ADA) == 60


def test_a_lost_answer_is_asked_for_again_and_counts_once(
    consumer: MeterConsumer, stripe: FakeStripe, clock: SettableClock
) -> None:
    stripe.trouble = ["lost"]
    with pytest.raises(NotBilledYetError, match="did not answer"):
        consumer.consume(event())
    clock.pass_seconds(timedelta(hours=22, minutes=59).total_seconds())
    assert consumer.consume(event()) is Billed.NOW
    assert (stripe.total(ADA), len(stripe.posts)) == (30, 2)


def test_a_lost_answer_that_is_a_day_old_is_left_to_a_person_and_never_posted_again(
    consumer: MeterConsumer, stripe: FakeStripe, clock: SettableClock
) -> None:
    stripe.trouble = ["lost"]
    with pytest.raises(NotBilledYetError):
        consumer.consume(event())
    clock.pass_seconds(timedelta(hours=25).total_seconds())
    assert consumer.consume(event()) is Billed.BY_HAND
    assert (stripe.total(ADA), len(stripe.posts)) == (30, 1)


@pytest.mark.parametrize("status", ["429", "500", "503", "402"])
def test_a_refusal_is_tried_again_until_it_is_billed(consumer: MeterConsumer, stripe: FakeStripe, status: str) -> None:
    stripe.trouble = [status, status]
    for _ in range(2):
        with pytest.raises(NotBilledYetError, match=f"Stripe answered {status}"):
            consumer.consume(event())
    assert consumer.consume(event()) is Billed.NOW
    assert stripe.total(ADA) == 30


def test_a_job_that_cost_nothing_is_not_reported(consumer: MeterConsumer, stripe: FakeStripe) -> None:
    assert consumer.consume(event(queued_job().settled(rate_limited(), NOON))) is Billed.NOTHING_TO_BILL
    assert stripe.posts == []


def test_an_event_that_is_too_old_for_stripe_is_left_to_a_person(
    consumer: MeterConsumer, stripe: FakeStripe, clock: SettableClock
) -> None:
    clock.pass_seconds(timedelta(days=35).total_seconds())
    assert consumer.consume(event()) is Billed.BY_HAND
    assert stripe.posts == []


def test_two_consumers_of_the_same_event_bill_it_once(consumer: MeterConsumer, stripe: FakeStripe) -> None:
    with ThreadPoolExecutor(4) as consumers:
        told = list(consumers.map(replace(consumer).consume, [event()] * 4))
    assert (stripe.total(ADA), Billed.NOW in told) == (30, True)


def test_what_is_billed_is_what_the_usage_says(consumer: MeterConsumer, stripe: FakeStripe) -> None:
    jobs = [delivered_job(id=new_job_id(NOON, bytes([number] * 10))) for number in range(5)]
    for job in jobs * 2:
        consumer.consume(event(job))
    assert stripe.total(ADA) == sum(job.spent_credits for job in jobs) == 150
