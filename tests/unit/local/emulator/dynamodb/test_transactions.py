"""Cancelled transactions leave the emulator's table as it was, although it was not copied."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.emulator import moto_seams
from local.emulator.dynamodb.transactions import remember_only_what_a_transaction_touches
from tests.support.cloud import TABLE, dynamodb_with_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator["DynamoDBClient"]:
    for seam in (moto_seams.TRANSACT_WRITE, moto_seams.TABLE_COPY):
        monkeypatch.setattr(seam.owner, seam.attribute, seam.original)
    with mock_aws():
        remember_only_what_a_transaction_touches()
        client = dynamodb_with_table()
        for name in ("kept", "changed", "deleted"):
            client.put_item(TableName=TABLE, Item=item(name, 1))
        yield client


def item(name: str, number: int) -> dict[str, Any]:
    return {"pk": {"S": name}, "sk": {"S": "x"}, "n": {"N": str(number)}, "m": {"M": {"l": {"L": [{"S": "é"}]}}}}


def key(name: str) -> dict[str, Any]:
    return {"TableName": TABLE, "Key": {"pk": {"S": name}, "sk": {"S": "x"}}}


def parts(condition_number: int) -> list[Any]:
    one = {":one": {"N": "1"}}
    return [
        {"Put": {"TableName": TABLE, "Item": item("new", 2)}},
        {"Put": {"TableName": TABLE, "Item": item("kept", 2)}},
        {
            "Update": {
                **key("changed"),
                "UpdateExpression": "ADD n :one SET m.l = :gone",
                "ExpressionAttributeValues": {**one, ":gone": {"L": []}},
            }
        },
        {"Delete": key("deleted")},
        {
            "ConditionCheck": {
                **key("other"),
                "ConditionExpression": "attribute_not_exists(pk) AND :one = :number",
                "ExpressionAttributeValues": {**one, ":number": {"N": str(condition_number)}},
            }
        },
    ]


def everything(client: "DynamoDBClient") -> dict[str, Any]:
    return {found["pk"]["S"]: found for found in client.scan(TableName=TABLE)["Items"]}


def test_a_cancelled_transaction_leaves_everything_as_it_was(dynamodb: "DynamoDBClient") -> None:
    before = everything(dynamodb)
    with pytest.raises(ClientError) as caught:
        dynamodb.transact_write_items(TransactItems=parts(0))
    assert [reason["Code"] for reason in caught.value.response["CancellationReasons"]] == [
        *["None"] * 4,
        "ConditionalCheckFailed",
    ]
    assert everything(dynamodb) == before


def test_a_transaction_whose_conditions_hold_is_written_whole(dynamodb: "DynamoDBClient") -> None:
    dynamodb.transact_write_items(TransactItems=parts(1))
    after = everything(dynamodb)
    assert {name: found["n"]["N"] for name, found in after.items()} == {"new": "2", "kept": "2", "changed": "2"}
    assert after["changed"]["m"] == {"M": {"l": {"L": []}}}


def test_an_unknown_table_is_reported_as_before(dynamodb: "DynamoDBClient") -> None:
    with pytest.raises(ClientError) as caught:
        dynamodb.transact_write_items(TransactItems=[{"Put": {"TableName": "nowhere", "Item": item("a", 1)}}])
    assert "ResourceNotFound" in str(caught.value.response)
