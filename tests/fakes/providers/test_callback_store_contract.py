"""One contract for callbacks, kept by the in-memory fake and by DynamoDB."""

from typing import TYPE_CHECKING

import pytest

from fermata.adapters.dynamodb.providers.callback_store import DynamoCallbackStore
from fermata.domain.providers.callbacks import Callback
from fermata.errors import StaleRecordError, TransientError
from fermata.ports.providers import CallbackStore
from tests.fakes.providers.callback_store import InMemoryCallbackStore
from tests.songs import callback
from tests.support.cloud import TABLE, AnswersInstead, aws_error

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TOKEN, RECORD = callback()


@pytest.fixture(params=["in_memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> CallbackStore:
    if request.param == "in_memory":
        return InMemoryCallbackStore()
    return DynamoCallbackStore(request.getfixturevalue("dynamodb"), TABLE)


def test_an_unknown_callback_is_not_there(store: CallbackStore) -> None:
    assert store.load(RECORD.sha256) is None


@pytest.mark.parametrize(
    "after",
    [
        RECORD.awaited_by("task"),
        RECORD.posted(woke=False),
        RECORD.posted(woke=True),
        RECORD.model_copy(update={"unheeded": True}).heeded(),
    ],
)
def test_every_state_is_read_back_equal(store: CallbackStore, after: Callback) -> None:
    store.create(RECORD)
    assert store.load(RECORD.sha256) == RECORD
    store.save(after)
    assert store.load(RECORD.sha256) == after


def test_a_hash_is_created_once(store: CallbackStore) -> None:
    store.create(RECORD)
    with pytest.raises(StaleRecordError):
        store.create(RECORD.model_copy(update={"job_id": "another"}))
    assert store.load(RECORD.sha256) == RECORD


def test_of_two_writers_that_read_the_same_version_one_wins(store: CallbackStore) -> None:
    store.create(RECORD)
    store.save(RECORD.awaited_by("first"))
    with pytest.raises(StaleRecordError):
        store.save(RECORD.awaited_by("second"))
    assert store.load(RECORD.sha256) == RECORD.awaited_by("first")


def test_a_callback_that_was_never_created_cannot_be_saved(store: CallbackStore) -> None:
    with pytest.raises(StaleRecordError):
        store.save(RECORD.awaited_by("task"))


# ---- what only DynamoDB does


def test_an_item_says_when_it_may_go_and_never_its_token(dynamodb: "DynamoDBClient") -> None:
    DynamoCallbackStore(dynamodb, TABLE).create(RECORD)
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert (item["pk"], item["ttl"]) == (
        {"S": f"CALLBACK#{RECORD.sha256}"},
        {"N": str(int(RECORD.expires_at.timestamp()))},
    )
    assert TOKEN not in str(item)


@pytest.mark.parametrize("operation", ["GetItem", "PutItem"])
def test_trouble_of_the_table_is_transient(dynamodb: "DynamoDBClient", operation: str) -> None:
    store = DynamoCallbackStore(dynamodb, TABLE)
    AnswersInstead(dynamodb, operation, aws_error("ProvisionedThroughputExceededException", "canary"))
    with pytest.raises(TransientError) as caught:
        store.create(RECORD) if operation == "PutItem" else store.load(RECORD.sha256)
    assert "canary" not in str(caught.value)
