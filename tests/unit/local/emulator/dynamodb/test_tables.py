"""The laptop's table answers as moto's does, whatever else is in it, and without looking at all of that."""

import json
import subprocess
import sys
from typing import Any

ANSWERS = """
import json, sys
from botocore.exceptions import ClientError
from local.emulator.dynamodb import tables
if sys.argv[1] == "quick":
    tables.query_only_what_is_asked_for()
    tables.measure_items_once()
from moto import mock_aws
from moto.dynamodb.models.dynamo_type import DynamoType
from tests.support.cloud import TABLE, dynamodb_with_table

def query(values, **asked):
    found = client.query(TableName=TABLE, ExpressionAttributeValues={k: {"S": v} for k, v in values.items()}, **asked)
    return [[item["sk"]["S"], item.get("n")] for item in found["Items"]], found["Count"], found.get("LastEvaluatedKey")

with mock_aws():
    client = dynamodb_with_table()
    for job in (7, 3, 5, 1):
        for part in ("b", "a", "c"):
            item = {"pk": {"S": f"JOB#{job}"}, "sk": {"S": part}, "n": {"N": str(job)}, "status": {"S": "queued"}}
            if part == "a":
                item |= {"check_shard": {"S": str(job % 2)}, "check_at": {"S": f"at-{9 - job}"}}
                item |= {"listing": {"S": "acme"}}
            client.put_item(TableName=TABLE, Item=item)
    one = {"KeyConditionExpression": "pk = :pk", "values": {":pk": "JOB#3"}}
    due = {"IndexName": "ByCheckAt", "KeyConditionExpression": "check_shard = :s AND check_at <= :at"}
    listed = {"IndexName": "ByTenant", "KeyConditionExpression": "listing = :t", "values": {":t": "acme"}}
    print(json.dumps([
        query(**one),
        query(**one, ScanIndexForward=False, Limit=2),
        query(KeyConditionExpression="pk = :pk AND sk > :sk", values={":pk": "JOB#3", ":sk": "a"}),
        query(KeyConditionExpression="pk = :pk", values={":pk": "nobody"}),
        query(**due, values={":s": "1", ":at": "at-6"}),
        query(**listed, ScanIndexForward=False),
        query(**listed, Limit=1, ExclusiveStartKey={"listing": {"S": "acme"}, "pk": {"S": "JOB#3"}, "sk": {"S": "a"}}),
        client.scan(TableName=TABLE)["Count"],
    ]))
    key = {"pk": {"S": "large"}, "sk": {"S": "a"}}
    for size in (399_000, 410_000):
        try:
            client.put_item(TableName=TABLE, Item={**key, "text": {"S": "x" * size}})
            print("kept")
        except ClientError as error:
            print(error.response["Error"]["Code"])
    compared, compare = 0, DynamoType.__lt__
    def counted(self, other):
        global compared
        compared += 1
        return compare(self, other)
    DynamoType.__lt__ = counted
    client.query(TableName=TABLE, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "JOB#3"}})
    print(compared)
"""


def answers(how: str) -> tuple[Any, str, str, int]:
    ended = subprocess.run([sys.executable, "-c", ANSWERS, how], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    found, small, large, compared = ended.stdout.splitlines()
    return json.loads(found), small, large, int(compared)


def test_queries_and_limits_are_motos_own_and_a_query_compares_nothing_outside_of_its_partition() -> None:
    found, small, large, compared = answers("quick")
    assert (found, small, large) == answers("as moto does it")[:3]
    assert (small, large) == ("kept", "ValidationException")
    assert found[0] == [[["a", {"N": "3"}], ["b", {"N": "3"}], ["c", {"N": "3"}]], 3, None]
    assert compared < 10
