"""What has ended vanishes from the laptop's tables some time later, as on AWS, and nothing else does."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import Client
from werkzeug.wrappers import Response

from local.emulator.dynamodb.calls import straight_to_dynamodb
from local.emulator.expired_items import DELAY_S, EVERY_S, Ended, ExpiringItems, ended_in_moto
from tests.support.cloud import session

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOW = datetime(2026, 11, 30, 12, 0, 0, tzinfo=UTC)
CALL = {
    "X-Amz-Target": "DynamoDB_20120810.ListTables",
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20261130/eu-west-1/dynamodb/aws4_request, SignedHeaders=host",
}


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        client = session().client("dynamodb")
        keys = {"pk": "HASH", "sk": "RANGE"}
        for table, names in (("things", ["pk", "sk"]), ("plain", ["pk"]), ("lasting", ["pk"])):
            client.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
                KeySchema=[{"AttributeName": name, "KeyType": keys[name]} for name in names],  # type: ignore[typeddict-item]
            )
            if table != "lasting":
                lives = {"Enabled": True, "AttributeName": "ttl"}
                client.update_time_to_live(TableName=table, TimeToLiveSpecification=lives)  # type: ignore[arg-type]
        yield client


def put(dynamodb: "DynamoDBClient", table: str, name: str, ttl: Any) -> None:  # noqa: ANN401 - DynamoDB's form
    item: dict[str, Any] = {"pk": {"S": name}, "sk": {"S": "one"}}
    dynamodb.put_item(TableName=table, Item=item if ttl is None else {**item, "ttl": ttl})


def ended_s_ago(seconds: float) -> dict[str, str]:
    return {"N": str(int(NOW.timestamp() - seconds))}


def names(dynamodb: "DynamoDBClient", table: str) -> list[str]:
    return sorted(str(item["pk"].get("S")) for item in dynamodb.scan(TableName=table)["Items"])


def aws(clock: Clock) -> Client:
    """The emulator's DynamoDB behind the deletion of what has ended."""
    moto = straight_to_dynamodb(DomainDispatcherApplication(create_backend_app))
    return Client(ExpiringItems(moto, clock), use_cookies=False)


def test_items_vanish_a_while_after_their_end_and_not_before(dynamodb: "DynamoDBClient", clock: Clock) -> None:
    for table in ("things", "plain"):
        put(dynamodb, table, "long ago", ended_s_ago(86_400))
        put(dynamodb, table, "a while ago", ended_s_ago(DELAY_S + 1))
        put(dynamodb, table, "just now", ended_s_ago(DELAY_S - 1))
        put(dynamodb, table, "to come", ended_s_ago(-60))
        put(dynamodb, table, "no end", None)
    aws(clock).post("/", headers=CALL, data=b"{}")
    for table in ("things", "plain"):
        assert names(dynamodb, table) == ["just now", "no end", "to come"]


def test_what_is_no_end_keeps_its_item(dynamodb: "DynamoDBClient", clock: Clock) -> None:
    put(dynamodb, "things", "words", {"S": "1"})
    put(dynamodb, "things", "years ago", ended_s_ago(6 * 365 * 86_400))
    put(dynamodb, "lasting", "no time to live", ended_s_ago(86_400))
    aws(clock).post("/", headers=CALL, data=b"{}")
    assert names(dynamodb, "things") == ["words", "years ago"]
    assert names(dynamodb, "lasting") == ["no time to live"]


def test_what_ends_later_goes_with_a_later_call(dynamodb: "DynamoDBClient", clock: Clock) -> None:
    put(dynamodb, "things", "a", ended_s_ago(0))
    client = aws(clock)
    client.post("/", headers=CALL, data=b"{}")
    clock.now += timedelta(seconds=DELAY_S + EVERY_S)
    client.post("/", headers=CALL, data=b"{}")
    assert names(dynamodb, "things") == []


def test_tables_are_looked_through_from_time_to_time_and_for_calls_to_dynamodb_only(clock: Clock) -> None:
    looked = []

    def find(*between: float) -> list[Ended]:
        looked.append(between[1])
        return []

    client = Client(ExpiringItems(Response("moto"), clock, find), use_cookies=False)
    client.get("/bucket/key")
    assert looked == []
    for _ in range(3):
        client.post("/", headers=CALL, data=b"{}")
    clock.now += timedelta(seconds=EVERY_S)
    client.post("/", headers=CALL, data=b"{}")
    assert looked == [NOW.timestamp() - DELAY_S, NOW.timestamp() + EVERY_S - DELAY_S]


def test_an_item_that_was_given_another_end_meanwhile_stays(dynamodb: "DynamoDBClient", clock: Clock) -> None:
    put(dynamodb, "things", "a", ended_s_ago(86_400))

    def find(after: float, before: float) -> list[Ended]:
        found = list(ended_in_moto(after, before))
        put(dynamodb, "things", "a", ended_s_ago(-86_400))
        return found

    moto = straight_to_dynamodb(DomainDispatcherApplication(create_backend_app))
    Client(ExpiringItems(moto, clock, find), use_cookies=False).post("/", headers=CALL, data=b"{}")
    assert names(dynamodb, "things") == ["a"]
