"""One contract for the tries of webhooks, kept by the in-memory fake and by DynamoDB."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.adapters.dynamodb.webhooks.webhook_deliveries import DynamoWebhookDeliveries
from fermata.domain.webhooks.delivery import (
    KEPT_FOR,
    MOST_REPLAYS,
    Answered,
    NoAnswer,
    NotAnswered,
    Reply,
    Try,
    WebhookAttempt,
    attempt_after,
)
from fermata.errors import TransientError
from fermata.ports.webhooks import WebhookDeliveries
from tests.fakes.clock import NOON
from tests.fakes.webhooks.deliveries import InMemoryWebhookDeliveries
from tests.songs import JOB_ID
from tests.support.cloud import TABLE, AnswersInstead, aws_error
from tests.webhooks import ORIGIN

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

OTHER = "job_01JD0ABCDEFGHJKMNPQRSTVWXZ"
BUSY = Answered(503)
POSTS = 100


@pytest.fixture(params=["in_memory", "dynamodb"])
def deliveries(request: pytest.FixtureRequest) -> WebhookDeliveries:
    if request.param == "in_memory":
        return InMemoryWebhookDeliveries()
    return DynamoWebhookDeliveries(DynamoTransactions(request.getfixturevalue("dynamodb"), TABLE))


def attempt(number: int, replay: int = 0, reply: Reply = BUSY) -> WebhookAttempt:
    return attempt_after(reply, Try(replay, number), ORIGIN, NOON, 0.0)


@pytest.mark.parametrize("reply", [Answered(503, 60), Answered(204), Answered(410), NotAnswered(NoAnswer.TIMEOUT)])
def test_an_attempted_delivery_is_read_back_equal(deliveries: WebhookDeliveries, reply: Reply) -> None:
    assert deliveries.add(JOB_ID, attempt(1, reply=reply)) == attempt(1, reply=reply)
    assert deliveries.of(JOB_ID) == (attempt(1, reply=reply),)
    assert deliveries.of(OTHER) == ()


def test_tries_are_in_order(deliveries: WebhookDeliveries) -> None:
    for number, replay in ((10, 0), (1, 11), (2, 0), (1, 2), (1, 0)):
        deliveries.add(JOB_ID, attempt(number, replay))
    found = [(each.replay, each.number) for each in deliveries.of(JOB_ID)]
    assert found == [(0, 1), (0, 2), (0, 10), (2, 1), (11, 1)]


def test_of_two_runs_of_one_try_the_first_stands(deliveries: WebhookDeliveries) -> None:
    deliveries.add(JOB_ID, attempt(1))
    assert deliveries.add(JOB_ID, attempt(1, reply=Answered(204))) == attempt(1)
    assert deliveries.of(JOB_ID) == (attempt(1),)


def test_replays_are_numbered_until_there_are_enough(deliveries: WebhookDeliveries) -> None:
    numbers = [deliveries.next_replay(JOB_ID, POSTS, NOON) for _ in range(MOST_REPLAYS + 2)]
    assert numbers == [*range(1, MOST_REPLAYS + 1), None, None]
    assert deliveries.next_replay(OTHER, POSTS, NOON) == 1


def test_posts_are_counted_until_there_are_enough_and_then_there_is_no_replay_either(
    deliveries: WebhookDeliveries,
) -> None:
    assert [deliveries.count_post(JOB_ID, 3, NOON) for _ in range(5)] == [True] * 3 + [False] * 2
    assert deliveries.next_replay(JOB_ID, 3, NOON) is None
    assert (deliveries.next_replay(JOB_ID, 4, NOON), deliveries.count_post(JOB_ID, 4, NOON)) == (1, True)
    assert deliveries.count_post(JOB_ID, 4, NOON) is False
    assert (deliveries.count_post(OTHER, 1, NOON), deliveries.next_replay(OTHER, 2, NOON)) == (True, 1)


def test_the_number_of_replays_is_no_try(deliveries: WebhookDeliveries) -> None:
    deliveries.next_replay(JOB_ID, POSTS, NOON)
    assert deliveries.of(JOB_ID) == ()


def test_a_forgotten_jobs_tries_are_gone(deliveries: WebhookDeliveries) -> None:
    for job_id in (JOB_ID, OTHER):
        deliveries.add(job_id, attempt(1))
        deliveries.next_replay(job_id, POSTS, NOON)
        deliveries.count_post(job_id, 1, NOON)
    for _ in range(2):
        deliveries.forget(JOB_ID)
    assert deliveries.of(JOB_ID) == ()
    assert deliveries.of(OTHER) == (attempt(1),)
    assert [deliveries.count_post(job_id, 1, NOON) for job_id in (JOB_ID, OTHER)] == [True, False]


# ---- what only DynamoDB does


def test_what_is_kept_goes_by_itself_and_a_number_only_after_its_name_is_free_again(
    dynamodb: "DynamoDBClient",
) -> None:
    deliveries = DynamoWebhookDeliveries(DynamoTransactions(dynamodb, TABLE))
    deliveries.add(JOB_ID, attempt(1))
    deliveries.next_replay(JOB_ID, POSTS, NOON)
    times = {item["sk"]["S"]: int(item["ttl"]["N"]) for item in dynamodb.scan(TableName=TABLE)["Items"]}
    assert times["ATTEMPT#000#01"] == int((NOON + KEPT_FOR).timestamp())
    assert times["REPLAYS"] > int((NOON + timedelta(days=90)).timestamp())


ASKED: dict[str, Callable[[WebhookDeliveries], object]] = {
    "Query": lambda deliveries: deliveries.of(JOB_ID),
    "TransactWriteItems": lambda deliveries: deliveries.add(JOB_ID, attempt(2)),
    "UpdateItem": lambda deliveries: deliveries.next_replay(JOB_ID, POSTS, NOON),
    "DeleteItem": lambda deliveries: deliveries.forget(JOB_ID),
}


@pytest.mark.parametrize("operation", ASKED)
def test_trouble_of_the_table_is_transient(dynamodb: "DynamoDBClient", operation: str) -> None:
    deliveries = DynamoWebhookDeliveries(DynamoTransactions(dynamodb, TABLE))
    deliveries.add(JOB_ID, attempt(1))
    AnswersInstead(dynamodb, operation, aws_error("ProvisionedThroughputExceededException", "canary"))
    with pytest.raises(TransientError) as caught:
        ASKED[operation](deliveries)
    assert "canary" not in str(caught.value)


def test_of_fifty_parallel_posts_a_bound_of_ten_lets_exactly_ten_pass(dynamodb: "DynamoDBClient") -> None:
    deliveries = DynamoWebhookDeliveries(DynamoTransactions(dynamodb, TABLE))
    with ThreadPoolExecutor(16) as runs:
        assert sum(runs.map(lambda _: deliveries.count_post(JOB_ID, 10, NOON), range(50))) == 10
