"""Write what DynamoDB's emulator answers to some hundred calls: `python -m ... plain` by moto as it is, `quick` as
the cloud makes it.
"""

import json
import sys
from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING, Any, Final

from moto import mock_aws
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import Client

from local.emulator import moto_backends
from local.emulator.dynamodb.calls import straight_to_dynamodb
from local.emulator.dynamodb.quick import make_quick

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

AUTHORIZATION: Final = "AWS4-HMAC-SHA256 Credential=test/20261130/eu-west-1/dynamodb/aws4_request, SignedHeaders=host"
TABLE: Final = "things"
KIND: Final[dict[str, Any]] = {
    "text": {"S": "é 𝄞"},
    "empty": {"S": ""},
    "number": {"N": "1.50"},
    "yes": {"BOOL": True},
    "no": {"BOOL": False},
    "none": {"NULL": True},
    "list": {"L": [{"S": "x"}, {"N": "2"}, {"M": {"deep": {"L": [{"NULL": True}]}}}]},
    "map": {"M": {"a": {"N": "7"}, "ü": {"S": "y"}, "inner": {"M": {"b": {"SS": ["p", "q"]}}}}},
    "words": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2.5"]},
    "bytes": {"B": "AP8="},
    "many": {"BS": ["AA==", "/w=="]},
}
Call = tuple[str, dict[str, Any]]


def key(name: str, sort: str = "one") -> dict[str, Any]:
    return {"pk": {"S": name}, "sk": {"S": sort}}


def tables() -> Iterator[Call]:
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    index = [{"AttributeName": "owner", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}]
    named = [{"AttributeName": each, "AttributeType": "S"} for each in ("pk", "sk", "owner", "at")]
    projected = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["number"]}
    yield (
        "CreateTable",
        {
            "TableName": TABLE,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": named,
            "KeySchema": keys,
            "GlobalSecondaryIndexes": [{"IndexName": "owned", "KeySchema": index, "Projection": projected}],
        },
    )


def items() -> Iterator[Call]:
    """Puts, reads and deletes, and what they refuse."""
    for number in range(6):
        item = {**key("many", f"{number:02}"), "owner": {"S": "o"}, "at": {"S": f"{9 - number}"}, **KIND}
        yield (
            "PutItem",
            {"TableName": TABLE, "Item": item, "ReturnValues": "ALL_OLD", "ReturnConsumedCapacity": "TOTAL"},
        )
    yield "PutItem", {"TableName": TABLE, "Item": {**key("many", "00"), "n": {"N": "1"}}, "ReturnValues": "ALL_OLD"}
    for condition in (
        "attribute_not_exists(pk)",
        "attribute_exists(pk) AND n = :n",
        "n BETWEEN :m AND :n OR size(pk) > :n",
    ):
        values = {":n": {"N": "1"}, ":m": {"N": "0"}}
        used = {name: value for name, value in values.items() if name in condition}
        extra = {"ExpressionAttributeValues": used} if used else {}
        put = {"TableName": TABLE, "Item": {**key("many", "00"), "n": {"N": "1"}}, "ConditionExpression": condition}
        yield "PutItem", {**put, **extra, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        yield "DeleteItem", {"TableName": TABLE, "Key": key("absent"), "ConditionExpression": condition, **extra}
    for consistent in (True, False):
        for sort in ("00", "01", "none"):
            asked = {"TableName": TABLE, "Key": key("many", sort), "ConsistentRead": consistent}
            yield "GetItem", asked
            yield (
                "GetItem",
                {**asked, "ProjectionExpression": "#n, n, map.a", "ExpressionAttributeNames": {"#n": "number"}},
            )
    yield "GetItem", {"TableName": "absent", "Key": key("many")}
    yield "GetItem", {"TableName": TABLE, "Key": {"pk": {"S": "many"}}}
    yield "GetItem", {"TableName": TABLE, "Key": key("")}
    yield "PutItem", {"TableName": TABLE, "Item": {"pk": {"S": "no sort"}}}
    yield "PutItem", {"TableName": TABLE, "Item": {**key("large"), "text": {"S": "x" * 410_000}}}
    yield "PutItem", {"TableName": TABLE, "Item": key("many"), "ReturnConsumedCapacity": "SOME"}
    yield "DeleteItem", {"TableName": TABLE, "Key": key("many", "05"), "ReturnValues": "ALL_OLD"}
    keys = [key("many", "01"), key("many", "09")]
    yield "BatchGetItem", {"RequestItems": {TABLE: {"Keys": keys}}}
    yield "BatchGetItem", {"RequestItems": {TABLE: {"Keys": [keys[0], keys[0]]}}}
    written = [{"PutRequest": {"Item": {**key("batch"), **KIND}}}, {"DeleteRequest": {"Key": key("many", "04")}}]
    yield "BatchWriteItem", {"RequestItems": {TABLE: written}}
    yield "TransactGetItems", {"TransactItems": [{"Get": {"TableName": TABLE, "Key": each}} for each in keys]}


def queries() -> Iterator[Call]:
    of_table = {
        "TableName": TABLE,
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": {"S": "many"}},
    }
    yield "Query", of_table
    yield "Query", {**of_table, "ScanIndexForward": False, "Limit": 2}
    yield "Query", {**of_table, "Limit": 1, "ExclusiveStartKey": key("many", "01")}
    yield "Query", {**of_table, "Select": "COUNT", "ReturnConsumedCapacity": "INDEXES"}
    between = {":p": {"S": "many"}, ":a": {"S": "01"}, ":b": {"S": "03"}}
    for compared in ("sk BETWEEN :a AND :b", "sk > :a", "begins_with(sk, :a)", "sk = :b"):
        used = {name: value for name, value in between.items() if name == ":p" or name in compared}
        asked = {"KeyConditionExpression": f"pk = :p AND {compared}", "ExpressionAttributeValues": used}
        yield "Query", {"TableName": TABLE, **asked}
    filtered = {":p": {"S": "many"}, ":n": {"N": "1.5"}}
    yield (
        "Query",
        {
            **of_table,
            "FilterExpression": "#n = :n",
            "ExpressionAttributeNames": {"#n": "number"},
            "ExpressionAttributeValues": filtered,
        },
    )
    owned: dict[str, Any] = {"TableName": TABLE, "IndexName": "owned", "KeyConditionExpression": "#o = :o"}
    owned |= {"ExpressionAttributeNames": {"#o": "owner"}, "ExpressionAttributeValues": {":o": {"S": "o"}}}
    yield "Query", owned
    yield "Query", {**owned, "ScanIndexForward": False, "Limit": 2}
    yield "Query", {**owned, "IndexName": "absent"}
    yield (
        "Query",
        {"TableName": TABLE, "KeyConditionExpression": "nothing = :p", "ExpressionAttributeValues": {":p": {"S": ""}}},
    )


UPDATES: Final = (
    "SET #x = :one",
    "SET #x = if_not_exists(#x, :zero) + :one",
    "SET #x = #x - :one, another = :text",
    "SET seen = list_append(if_not_exists(seen, :none), :some)",
    "SET deep.#x = :one",
    "SET map.inner = :map REMOVE map.a",
    "SET list[0] = :text REMOVE list[1]",
    "ADD #x :one",
    "ADD words :words",
    "DELETE words :words",
    "REMOVE another, absent",
    "SET #x = :one, #x = :zero",
    "SET pk = :text",
    "SET #x = :missing",
    "SET = :one",
    "ADD another :one",
)
CONDITIONS: Final = (
    None,
    "attribute_exists(pk)",
    "attribute_not_exists(#x) OR #x < :one",
    "NOT contains(words, :text) AND (#x >= :zero OR attribute_type(#x, :text))",
    "map.a IN (:one, :zero)",
)
VALUES: Final[dict[str, Any]] = {
    ":one": {"N": "1"},
    ":zero": {"N": "0"},
    ":text": {"S": "é"},
    ":none": {"L": []},
    ":some": {"L": [{"M": {"b": {"S": "x"}}}]},
    ":map": {"M": {"c": {"N": "3"}}},
    ":words": {"SS": ["a", "new"]},
}


def an_update(choose: Random) -> dict[str, Any]:
    update, condition = choose.choice(UPDATES), choose.choice((None, None, None, *CONDITIONS))
    both = f"{update} {condition or ''}"
    made: dict[str, Any] = {"TableName": TABLE, "Key": key(choose.choice("abc")), "UpdateExpression": update}
    if condition:
        made["ConditionExpression"] = condition
    values = {name: value for name, value in VALUES.items() if name in both}
    if values:
        made["ExpressionAttributeValues"] = values
    if "#x" in both:
        made["ExpressionAttributeNames"] = {"#x": choose.choice(["number", "fresh", "ünï"])}
    return made


def updates(choose: Random) -> Iterator[Call]:
    for name in "abc":
        yield "PutItem", {"TableName": TABLE, "Item": {**key(name), **KIND}}
    for _ in range(150):
        returned = choose.choice(["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"])
        yield "UpdateItem", {**an_update(choose), "ReturnValues": returned}
        yield "GetItem", {"TableName": TABLE, "Key": key(choose.choice("abc"))}


def transactions(choose: Random) -> Iterator[Call]:
    for number in range(40):
        update = an_update(choose)
        check = {
            "TableName": TABLE,
            "Key": key("batch"),
            "ConditionExpression": choose.choice(["attribute_exists(pk)", "attribute_not_exists(pk)"]),
        }
        put = {
            "TableName": TABLE,
            "Item": {**key("made", str(number)), **KIND},
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        parts = [
            {"Update": update},
            {"ConditionCheck": {**check, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}},
            {"Put": put},
        ]
        yield "TransactWriteItems", {"TransactItems": parts[: choose.randint(1, 3)]}
        yield (
            "Query",
            {
                "TableName": TABLE,
                "KeyConditionExpression": "pk = :p",
                "ExpressionAttributeValues": {":p": {"S": "made"}},
            },
        )
    yield "TransactWriteItems", {"TransactItems": [{"Delete": {"TableName": TABLE, "Key": key("made", "0")}}]}
    yield "TransactWriteItems", {"TransactItems": []}
    yield "TransactWriteItems", {"TransactItems": [{"Put": {"TableName": TABLE, "Item": key("twice")}}] * 2}
    yield "Scan", {"TableName": TABLE}


def answers(aws: "WSGIApplication") -> Iterator[str]:
    client, choose = Client(aws, use_cookies=False), Random(1961)
    headers = {"Authorization": AUTHORIZATION, "Content-Type": "application/x-amz-json-1.0"}
    for calls in (tables(), items(), queries(), updates(choose), transactions(choose)):
        for action, body in calls:
            target = {"X-Amz-Target": f"DynamoDB_20120810.{action}"}
            try:
                answer = client.post("/", headers={**headers, **target}, data=json.dumps(body))
            except Exception as error:  # noqa: BLE001 - moto raises what it has no answer for
                yield json.dumps([action, body, repr(error)], sort_keys=True)
                continue
            has_ids = {name for name in ("x-amzn-requestid", "x-amz-crc32") if answer.headers.get(name)}
            read = json.loads(answer.data)
            read.pop("TableDescription", None)
            yield json.dumps([action, body, answer.status_code, sorted(has_ids), read], sort_keys=True)


def main(mode: str) -> None:
    aws: WSGIApplication = DomainDispatcherApplication(create_backend_app)
    if mode == "quick":
        moto_backends.lock_backends()
        make_quick()
        aws = straight_to_dynamodb(aws)
    with mock_aws():
        for line in answers(aws):
            sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
