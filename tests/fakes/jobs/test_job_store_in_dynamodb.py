"""What only DynamoDB does with job records: conflicts, trouble, and what is read of them."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import EndpointConnectionError

from fermata.adapters.dynamodb.jobs.job_store import DynamoJobStore
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.jobs.status import JobStatus
from fermata.errors import StaleRecordError, TransientError
from tests.fakes.jobs.records import advanced_to
from tests.songs import (
    JOB_ID,
    delivered_job,
    queued_job,
)
from tests.support.cloud import TABLE, Answer, AnswersInstead, aws_error

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def lost(reason: str) -> Callable[[], Answer]:
    reasons = [{"Code": reason}, {"Code": "None"}]
    return aws_error("TransactionCanceledException", "canary", CancellationReasons=reasons)


def batch(items: Sequence[object], kept_back: Sequence[object]) -> Callable[[], Answer]:
    unprocessed = {TABLE: {"Keys": kept_back, "ConsistentRead": True}}
    parsed = {"Responses": {TABLE: items}, "UnprocessedKeys": unprocessed}
    return lambda: (AWSResponse("https://aws", 200, HTTPHeaders(), None), parsed)


CONFLICT = lost("TransactionConflict")


class Patience:
    """Pauses that pass at once, on a clock of their own."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def clock(self) -> float:
        return sum(self.pauses)


@pytest.fixture
def patience() -> Patience:
    return Patience()


@pytest.fixture
def patient_store(dynamodb: "DynamoDBClient", patience: Patience) -> DynamoJobStore:
    return DynamoJobStore(DynamoTransactions(dynamodb, TABLE, patience.pause, patience.clock))


def test_a_conflict_with_another_transaction_is_repeated(
    dynamodb: "DynamoDBClient", patient_store: DynamoJobStore, patience: Patience
) -> None:
    injected = AnswersInstead(dynamodb, "TransactWriteItems", CONFLICT, CONFLICT)
    patient_store.create(queued_job())
    assert (injected.calls, len(patience.pauses)) == (3, 2)
    assert patient_store.load(JOB_ID) == queued_job()


def test_conflicts_are_repeated_after_growing_pauses_for_three_seconds_and_no_longer(
    dynamodb: "DynamoDBClient", patient_store: DynamoJobStore, patience: Patience
) -> None:
    injected = AnswersInstead(dynamodb, "TransactWriteItems", *[CONFLICT] * 9999)
    with pytest.raises(TransientError, match="kept conflicting for 3 s; nothing was written"):
        patient_store.create(queued_job())
    assert injected.calls == len(patience.pauses) + 1
    assert all(0 <= pause <= min(0.4, 0.02 * 2**n) for n, pause in enumerate(patience.pauses))
    assert 2.5 < sum(patience.pauses) <= 3
    assert patient_store.load(JOB_ID) is None


def test_a_conflict_on_a_lost_race_is_reported_as_stale(
    dynamodb: "DynamoDBClient", patient_store: DynamoJobStore
) -> None:
    store = patient_store
    store.create(queued_job())
    AnswersInstead(dynamodb, "TransactWriteItems", CONFLICT)
    with pytest.raises(StaleRecordError):
        store.create(queued_job())


@pytest.mark.parametrize(
    "refusal",
    [
        aws_error("ProvisionedThroughputExceededException", "canary"),
        aws_error("ResourceNotFoundException", "canary"),
        lost("ThrottlingError"),
    ],
)
def test_other_trouble_of_the_table_is_transient_and_says_only_its_code(
    dynamodb: "DynamoDBClient", refusal: Callable[[], Answer]
) -> None:
    store = DynamoJobStore(DynamoTransactions(dynamodb, TABLE))
    AnswersInstead(dynamodb, "TransactWriteItems", refusal)
    with pytest.raises(TransientError) as caught:
        store.create(queued_job())
    assert "canary" not in str(caught.value)
    assert "Exception" in str(caught.value)


def test_a_table_that_cannot_be_reached_is_transient(dynamodb: "DynamoDBClient") -> None:
    def unreachable() -> Answer:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    store = DynamoJobStore(DynamoTransactions(dynamodb, TABLE))
    AnswersInstead(dynamodb, "TransactWriteItems", unreachable)
    AnswersInstead(dynamodb, "Query", unreachable)
    with pytest.raises(TransientError):
        store.create(queued_job())
    with pytest.raises(TransientError):
        store.load(JOB_ID)


def test_a_table_that_cannot_be_read_is_not_an_absent_job(dynamodb: "DynamoDBClient") -> None:
    store = DynamoJobStore(DynamoTransactions(dynamodb, "no-such-table"))
    with pytest.raises(TransientError, match="ResourceNotFoundException"):
        store.load(JOB_ID)


def test_a_job_is_read_consistently(dynamodb: "DynamoDBClient") -> None:
    asked: list[bool] = []

    def look(params: dict[str, object], **_: object) -> None:
        asked.append(params["ConsistentRead"] is True)

    dynamodb.meta.events.register("provide-client-params.dynamodb.Query", look)
    DynamoJobStore(DynamoTransactions(dynamodb, TABLE)).load(JOB_ID)
    assert asked == [True]


def test_unprocessed_keys_of_a_batch_are_requested_again(dynamodb: "DynamoDBClient") -> None:
    store = DynamoJobStore(DynamoTransactions(dynamodb, TABLE))
    advanced_to(delivered_job(), store)
    keys = [{"pk": {"S": f"JOB#{JOB_ID}"}, "sk": {"S": key}} for key in ("JOB", "REQUEST", "ATTEMPT#0001")]
    rows = [dynamodb.get_item(TableName=TABLE, Key=key)["Item"] for key in keys]
    kept_back = batch(rows[:1], keys[1:])
    injected = AnswersInstead(dynamodb, "BatchGetItem", kept_back)
    assert store.load_all([JOB_ID]) == [delivered_job()]
    assert injected.calls == 2


def test_a_throttled_batch_is_repeated_after_pauses_for_three_seconds_and_then_transient(
    dynamodb: "DynamoDBClient", patient_store: DynamoJobStore, patience: Patience
) -> None:
    keys = [{"pk": {"S": f"JOB#{JOB_ID}"}, "sk": {"S": "JOB"}}]
    injected = AnswersInstead(dynamodb, "BatchGetItem", *[batch([], keys)] * 9999)
    with pytest.raises(TransientError, match="could not be read: it is throttled"):
        patient_store.load_all([JOB_ID])
    assert injected.calls == len(patience.pauses) + 1
    assert 2.5 < sum(patience.pauses) <= 3


def test_many_jobs_that_cannot_be_read_are_not_absent(dynamodb: "DynamoDBClient") -> None:
    store = DynamoJobStore(DynamoTransactions(dynamodb, "no-such-table"))
    with pytest.raises(TransientError, match="ResourceNotFoundException"):
        store.load_all([JOB_ID])


def test_a_status_is_read_from_one_item_without_waiting_for_the_latest(dynamodb: "DynamoDBClient") -> None:
    asked: list[dict[str, Any]] = []
    dynamodb.meta.events.register("provide-client-params.dynamodb.GetItem", lambda params, **_: asked.append(params))
    store = DynamoJobStore(DynamoTransactions(dynamodb, TABLE))
    store.create(queued_job())
    asked.clear()
    assert store.status(JOB_ID) is JobStatus.QUEUED
    [read] = asked
    assert read["Key"] == {"pk": {"S": f"JOB#{JOB_ID}"}, "sk": {"S": "JOB"}}
    assert not read.get("ConsistentRead")


def test_a_status_that_cannot_be_read_is_not_an_absent_job(dynamodb: "DynamoDBClient") -> None:
    with pytest.raises(TransientError, match="ResourceNotFoundException"):
        DynamoJobStore(DynamoTransactions(dynamodb, "no-such-table")).status(JOB_ID)


def test_the_row_that_is_written_most_holds_neither_prompt_nor_lyrics(dynamodb: "DynamoDBClient") -> None:
    store = DynamoJobStore(DynamoTransactions(dynamodb, TABLE))
    store.create(queued_job())
    key = {"pk": {"S": f"JOB#{JOB_ID}"}, "sk": {"S": "JOB"}}
    row = json.dumps(dynamodb.get_item(TableName=TABLE, Key=key)["Item"])
    assert "canary" not in row
    assert len(row) < 1024
