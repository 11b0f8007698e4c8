"""Our client of DynamoDB does what boto3's does: the same calls, answers and errors at the same tables."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from tests.support.cloud import REGION, TABLE, dynamodb_with_table
from tests.unit.adapters.dynamodb.two_clients import MAKERS, Client, Script, of_moto, reply

KEY = {"pk": {"S": "JOB#1"}, "sk": {"S": "JOB"}}
ITEM = {
    **KEY,
    "text": {"S": "äöü \U0001f3b5 \u2028\x00"},
    "number": {"N": "-1.25"},
    "bytes": {"B": b"\x00\xff"},
    "list": {"L": [{"B": b"a"}, {"BOOL": True}, {"NULL": True}, {"M": {"B": {"S": "an attribute named B"}}}]},
    "sets": {"M": {"SS": {"SS": ["a", "b"]}, "BS": {"BS": [b"a", b"b"]}, "NS": {"NS": ["1"]}, "B": {"B": b"both"}}},
    "B": {"S": "no bytes"},
    "BS": {"L": []},
    "empty": {"S": ""},
}


@pytest.fixture(params=MAKERS, ids=lambda maker: maker.__name__)
def client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        dynamodb_with_table()
        yield request.param(of_moto)


def refusal(call: Callable[[], object]) -> dict[str, Any]:
    with pytest.raises(ClientError) as refused:
        call()
    return {name: value for name, value in refused.value.response.items() if name != "ResponseMetadata"}


def test_an_item_is_read_as_it_was_written(client: Client) -> None:
    client.put_item(TableName=TABLE, Item=ITEM)

    answer = client.get_item(TableName=TABLE, Key=KEY, ConsistentRead=True)

    assert answer["Item"] == ITEM
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["ResponseMetadata"]["RetryAttempts"] == 0


def test_what_is_not_there_has_no_item(client: Client) -> None:
    assert "Item" not in client.get_item(TableName=TABLE, Key=KEY)


def test_an_item_of_many_kilobytes_passes(client: Client) -> None:
    client.put_item(TableName=TABLE, Item={**KEY, "long": {"S": "ü" * 150_000}})

    assert client.get_item(TableName=TABLE, Key=KEY)["Item"]["long"] == {"S": "ü" * 150_000}


def test_an_update_returns_what_it_is_asked_for(client: Client) -> None:
    answer = client.update_item(
        TableName=TABLE,
        Key=KEY,
        UpdateExpression="ADD #count :one",
        ExpressionAttributeNames={"#count": "count"},
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="ALL_NEW",
    )

    assert answer["Attributes"] == {**KEY, "count": {"N": "1"}}


def test_pages_follow_each_other(client: Client) -> None:
    for number in range(3):
        client.put_item(TableName=TABLE, Item={"pk": {"S": "A"}, "sk": {"S": str(number)}})
    asked = {
        "TableName": TABLE,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": "A"}},
        "Limit": 2,
    }

    first = client.query(**asked)
    second = client.query(**asked, ExclusiveStartKey=first["LastEvaluatedKey"])

    assert [item["sk"]["S"] for item in [*first["Items"], *second["Items"]]] == ["0", "1", "2"]
    assert "LastEvaluatedKey" not in second


def test_a_batch_returns_its_items_and_what_is_left(client: Client) -> None:
    client.put_item(TableName=TABLE, Item=ITEM)

    answer = client.batch_get_item(RequestItems={TABLE: {"Keys": [KEY], "ConsistentRead": True}})

    assert answer["Responses"] == {TABLE: [ITEM]}
    assert answer["UnprocessedKeys"] == {}


def test_a_failed_condition_has_its_code_and_the_item(client: Client) -> None:
    client.put_item(TableName=TABLE, Item=ITEM)
    condition = {"ConditionExpression": "attribute_not_exists(pk)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}

    refused = refusal(lambda: client.put_item(TableName=TABLE, Item=KEY, **condition))

    assert refused["Error"]["Code"] == "ConditionalCheckFailedException"
    assert refused["Item"] == ITEM


def test_a_deletion_answers_and_refuses_as_a_write(client: Client) -> None:
    client.put_item(TableName=TABLE, Item=ITEM)
    held = {"ConditionExpression": "holder = :holder", "ExpressionAttributeValues": {":holder": {"S": "b"}}}

    refused = refusal(lambda: client.delete_item(TableName=TABLE, Key=KEY, **held))

    assert refused["Error"]["Code"] == "ConditionalCheckFailedException"
    assert client.delete_item(TableName=TABLE, Key=KEY, ReturnValues="ALL_OLD")["Attributes"] == ITEM


def test_a_cancelled_transaction_has_a_reason_for_each_part(client: Client) -> None:
    client.put_item(TableName=TABLE, Item=ITEM)
    new = {"TableName": TABLE, "Item": {"pk": {"S": "new"}, "sk": {"S": "new"}}}
    taken = {
        "TableName": TABLE,
        "Item": KEY,
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }

    refused = refusal(lambda: client.transact_write_items(TransactItems=[{"Put": new}, {"Put": taken}]))

    assert refused["Error"]["Code"] == "TransactionCanceledException"
    assert [reason["Code"] for reason in refused["CancellationReasons"]] == ["None", "ConditionalCheckFailed"]
    assert refused["CancellationReasons"][1]["Item"] == ITEM
    assert client.transact_write_items(TransactItems=[{"Put": new}])["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_missing_table_is_refused_by_its_code(client: Client) -> None:
    refused = refusal(lambda: client.get_item(TableName="none", Key=KEY))

    assert refused["Error"]["Code"] == "ResourceNotFoundException"


def test_a_table_is_described_with_a_time(client: Client) -> None:
    table = client.describe_table(TableName=TABLE)["Table"]

    assert table["TableStatus"] == "ACTIVE"
    assert table["CreationDateTime"].tzinfo is not None
    assert f":{REGION}:" in table["TableArn"]


OURS = b'"com.amazonaws.dynamodb.v20120810#'
REASONS = (
    b'{"Code":"None"}',
    b'{"Code":"TransactionConflict","Message":"x"}',
    b'{"Code":"ConditionalCheckFailed","Message":"y","Item":{"data":{"B":"AP8="}}}',
)
ERRORS = (
    b'{"__type":' + OURS + b'ValidationException","message":"no"}',
    b'{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"no"}',
    b'{"__type":"ResourceNotFoundException:http://internal.amazon.com/coral/","Message":"no"}',
    b'{"__type":' + OURS + b'ConditionalCheckFailedException","message":"no","Item":{"data":{"B":"AP8="}}}',
    *(
        b'{"__type":' + OURS + b'TransactionCanceledException","Message":"no","CancellationReasons":[' + some + b"]}"
        for some in (b",".join(REASONS), b",".join(REASONS[:2]))
    ),
    b"{}",
    b"",
)


@pytest.mark.parametrize("body", ERRORS)
def test_a_refusal_is_read_as_botocore_reads_it(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    mine, theirs = (
        refusal(partial(maker(Script(reply(400, body))).put_item, TableName="jobs", Item=KEY)) for maker in MAKERS
    )

    assert mine["Error"] == theirs["Error"]
    for name in theirs.keys() & {"Item", "CancellationReasons"}:
        assert mine[name] == theirs[name]


VALUES = st.recursive(
    st.one_of(
        st.text(max_size=5).map(lambda text: {"S": text}),
        st.binary(max_size=5).map(lambda data: {"B": data}),
        st.integers(-(10**37), 10**37).map(lambda number: {"N": str(number)}),
        st.booleans().map(lambda flag: {"BOOL": flag}),
        st.lists(st.binary(max_size=5), min_size=1, max_size=3).map(lambda parts: {"BS": parts}),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda values: {"L": values}),
        st.dictionaries(st.sampled_from(["B", "BS", "M", "a"]), inner, max_size=3).map(lambda values: {"M": values}),
    ),
    max_leaves=8,
)
ITEMS = st.dictionaries(st.sampled_from(["B", "BS", "S", "L", "pk"]), VALUES, max_size=3)


@pytest.fixture(scope="module")
def scripted() -> Iterator[list[tuple[Client, Script]]]:
    """Both clients with what they are answered, made once for all examples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        made = [(maker(script), script) for maker in MAKERS for script in [Script()]]
        for client, script in made:
            script.replies = [reply(200, b"{}")]
            client.get_item(TableName="jobs", Key=KEY)
        yield made


@given(item=ITEMS)
def test_any_item_is_sent_and_read_as_boto3_does(scripted: list[tuple[Client, Script]], item: dict[str, Any]) -> None:
    sent, read = [], []
    for client, script in scripted:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", "test")
            patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
            script.replies = [reply(200, b"{}")]
            client.put_item(TableName="jobs", Item=item)
            sent.append(script.sent[-1].body)
            # An answer has an item as the request has it.
            answer = sent[-1].replace(b'"TableName": "jobs", ', b"")
            script.replies = [reply(200, answer)]
            read.append(client.get_item(TableName="jobs", Key=KEY)["Item"])

    assert sent[0] == sent[1]
    assert read == [item, item]
