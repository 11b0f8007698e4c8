"""What a call to the emulator's DynamoDB takes: the items as it found and left them decide, not moto's own figures."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from local.emulator import moto_seams
from local.emulator.capacity.measuring import ask_for_units, measure_calls, measuring
from tests.support.cloud import TABLE, dynamodb_with_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Measure = Callable[..., dict[str, Any]]


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator["DynamoDBClient"]:
    for seam in (moto_seams.CALL_DYNAMODB, moto_seams.QUERY):
        monkeypatch.setattr(seam.owner, seam.attribute, seam.original)
    with mock_aws():
        measure_calls()
        yield dynamodb_with_table()


@pytest.fixture
def measure(dynamodb: "DynamoDBClient") -> Measure:
    """Make a call of a client's method, whose condition may fail; its units as they are logged."""
    failed = dynamodb.exceptions.ConditionalCheckFailedException, dynamodb.exceptions.TransactionCanceledException

    def measured(method: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401 (any request)
        environ: dict[str, Any] = {}
        action = dynamodb.meta.method_to_api_mapping[method]
        units = ask_for_units(environ, f"dynamodb:{action}", request)
        with measuring(environ), suppress(*failed):
            getattr(dynamodb, method)(**request)
        return units.as_record()

    return measured


def item(number: int, size: int = 0, **more: Any) -> dict[str, Any]:  # noqa: ANN401 (an attribute of any type)
    return {"pk": {"S": f"JOB#{number}"}, "sk": {"S": "JOB"}, "padding": {"S": "x" * size}, **more}


def key(number: int) -> dict[str, Any]:
    return {"pk": {"S": f"JOB#{number}"}, "sk": {"S": "JOB"}}


def units(record: dict[str, Any]) -> tuple[int, int, float]:
    return record["write_units"], record["index_units"], record["read_units"]


DUE: dict[str, Any] = {"check_shard": {"S": "CHECK#0"}, "check_at": {"S": "2026"}}


def test_a_put_of_a_sparse_item_writes_its_entry_too(measure: Measure) -> None:
    assert units(measure("put_item", TableName=TABLE, Item=item(1, 1500))) == (2, 0, 0)
    assert units(measure("put_item", TableName=TABLE, Item=item(2, 1500, **DUE))) == (2, 1, 0)
    assert units(measure("put_item", TableName=TABLE, Item=item(2))) == (2, 1, 0)


def test_what_was_touched_is_named_without_ids(measure: Measure) -> None:
    found = measure("put_item", TableName=TABLE, Item=item(1, **DUE))["touched"]
    assert found == [{"item": "JOB/JOB", "bytes": 49, "write": 1, "index": 1}]
    dated = {"pk": {"S": "USAGE#acme"}, "sk": {"S": "2026-12-01"}}
    assert measure("get_item", TableName=TABLE, Key=dated)["touched"] == [
        {"item": "USAGE/DATE", "bytes": 0, "read": 0.5}
    ]


def test_an_update_takes_the_whole_item_and_a_failed_condition_as_much(
    measure: Measure, dynamodb: "DynamoDBClient"
) -> None:
    dynamodb.put_item(TableName=TABLE, Item=item(1, 2500))
    change = {
        "UpdateExpression": "SET n = :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
        "TableName": TABLE,
    }
    assert units(measure("update_item", Key=key(1), **change)) == (3, 0, 0)
    refused = {**change, "ConditionExpression": "attribute_not_exists(pk)"}
    assert units(measure("update_item", Key=key(1), **refused)) == (3, 0, 0)
    assert units(measure("update_item", Key=key(2), **{**change, "ConditionExpression": "n = :one"})) == (1, 0, 0)


def test_a_transaction_takes_twice_for_each_part_whether_or_not_it_is_cancelled(
    measure: Measure, dynamodb: "DynamoDBClient"
) -> None:
    dynamodb.put_item(TableName=TABLE, Item=item(1, 1500))
    check = {"TableName": TABLE, "Key": key(1), "ConditionExpression": "attribute_exists(pk)"}
    parts = [{"ConditionCheck": check}, {"Put": {"TableName": TABLE, "Item": item(2, **DUE)}}]
    assert units(measure("transact_write_items", TransactItems=parts)) == (6, 1, 0)
    missing = {**check, "ConditionExpression": "attribute_not_exists(pk)"}
    cancelled = [{"ConditionCheck": missing}, {"Put": {"TableName": TABLE, "Item": item(3, **DUE)}}]
    assert units(measure("transact_write_items", TransactItems=cancelled)) == (6, 0, 0)


def test_reads_go_by_size_consistency_and_whether_there_is_anything(
    measure: Measure, dynamodb: "DynamoDBClient"
) -> None:
    dynamodb.put_item(TableName=TABLE, Item=item(1, 5000))
    dynamodb.put_item(TableName=TABLE, Item=item(2, 100))
    assert units(measure("get_item", TableName=TABLE, Key=key(1), ConsistentRead=True)) == (0, 0, 2)
    assert units(measure("get_item", TableName=TABLE, Key=key(3))) == (0, 0, 0.5)
    both = {TABLE: {"Keys": [key(1), key(2)], "ConsistentRead": True}}
    assert units(measure("batch_get_item", RequestItems=both)) == (0, 0, 3)


def test_a_query_takes_what_it_looked_at_before_its_filter(measure: Measure, dynamodb: "DynamoDBClient") -> None:
    for number in range(3):
        owned = {"sk": {"S": f"PART#{number}"}, "pk": {"S": "JOB#1"}, "status": {"S": "open"}}
        dynamodb.put_item(TableName=TABLE, Item={**item(1, 3000), **owned})
    asked = {
        "TableName": TABLE,
        "KeyConditionExpression": "pk = :pk",
        "FilterExpression": "#status = :status",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": {":pk": {"S": "JOB#1"}, ":status": {"S": "closed"}},
    }
    assert units(measure("query", **asked, ConsistentRead=True)) == (0, 0, 3)
    assert units(measure("query", **asked)) == (0, 0, 1.5)


def test_a_query_of_an_index_takes_its_entries_only(measure: Measure, dynamodb: "DynamoDBClient") -> None:
    for number in range(2):
        dynamodb.put_item(TableName=TABLE, Item=item(number, 5000, **DUE))
    found = measure(
        "query",
        TableName=TABLE,
        IndexName="ByCheckAt",
        KeyConditionExpression="check_shard = :shard",
        ExpressionAttributeValues={":shard": {"S": "CHECK#0"}},
    )
    assert units(found) == (0, 0, 0.5)
    assert found["touched"][0]["bytes"] < 200


def test_nothing_is_measured_that_was_not_asked_for(dynamodb: "DynamoDBClient") -> None:
    with measuring({}):
        dynamodb.put_item(TableName=TABLE, Item=item(1))
    assert dynamodb.get_item(TableName=TABLE, Key=key(1))["Item"] == item(1)
