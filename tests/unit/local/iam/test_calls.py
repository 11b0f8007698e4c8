"""Each request needs the rights that AWS asks for."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from local.emulator.aws_calls import read_call
from local.iam.calls.needs import needs_of
from local.iam.decision import Need
from local.iam.patterns import values_of

ACCOUNT = "eu-west-1:123456789012"
TABLE = f"arn:aws:dynamodb:{ACCOUNT}:table/T"
FUNCTION = f"arn:aws:lambda:{ACCOUNT}:function:F"
MACHINE = f"arn:aws:states:{ACCOUNT}:stateMachine:M"


class Known:
    """A table with one index, a secret, and a machine that waits for a token."""

    def hash_key(self, table: str, index: str | None) -> str | None:
        return {None: "pk", "ByDay": "day"}.get(index) if table == "T" else None

    def secret_arn(self, secret_id: str) -> str | None:
        return f"arn:aws:secretsmanager:{ACCOUNT}:secret:keys-abcdef" if secret_id == "keys" else None

    def machine_of(self, token: str) -> str | None:
        return MACHINE if token == "waiting" else None


def asked(service: str, operation: str, **request: object) -> tuple[Need, ...] | None:
    body = json.dumps(request).encode()
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential=A/20261130/eu-west-1/{service}/aws4_request",
        "HTTP_X_AMZ_TARGET": f"Any.{operation}",
    }
    return needs_of(read_call(environ, body), environ, Known())


def told(needs: tuple[Need, ...] | None) -> list[tuple[str, str]]:
    return [(need.action, need.resource) for need in needs or ()]


def keys(needs: tuple[Need, ...] | None) -> list[tuple[str, tuple[str, ...] | None]]:
    return [(need.action, values_of(need.context, "dynamodb:leadingkeys")) for need in needs or ()]


def item(key: str) -> dict[str, Any]:
    return {"pk": {"S": key}, "sk": {"S": "a"}}


def test_one_item_is_named_by_its_partition_key() -> None:
    assert told(asked("dynamodb", "GetItem", TableName="T", Key=item("JOB#1"))) == [("dynamodb:GetItem", TABLE)]
    assert keys(asked("dynamodb", "PutItem", TableName="T", Item=item("KEY#1"))) == [("dynamodb:PutItem", ("KEY#1",))]


@pytest.mark.parametrize(
    ("expression", "names"), [("pk = :p AND begins_with(sk, :s)", {}), ("#s > :s and #p=:p", {"#p": "pk", "#s": "sk"})]
)
def test_a_query_asks_for_one_partition(expression: str, names: dict[str, str]) -> None:
    found = asked(
        "dynamodb",
        "Query",
        TableName="T",
        KeyConditionExpression=expression,
        ExpressionAttributeNames=names,
        ExpressionAttributeValues={":p": {"S": "JOB#1"}, ":s": {"S": "x"}},
    )
    assert (told(found), keys(found)) == ([("dynamodb:Query", TABLE)], [("dynamodb:Query", ("JOB#1",))])


def test_an_index_is_a_resource_of_its_own_with_a_key_of_its_own() -> None:
    found = asked(
        "dynamodb",
        "Query",
        TableName="T",
        IndexName="ByDay",
        KeyConditionExpression="#d = :d",
        ExpressionAttributeNames={"#d": "day"},
        ExpressionAttributeValues={":d": {"S": "CHECK#1"}},
    )
    assert (told(found), keys(found)) == (
        [("dynamodb:Query", f"{TABLE}/index/ByDay")],
        [("dynamodb:Query", ("CHECK#1",))],
    )


def test_a_transaction_is_judged_item_by_item_and_by_all_keys_of_an_action_together() -> None:
    found = asked(
        "dynamodb",
        "TransactWriteItems",
        TransactItems=[
            {"Put": {"TableName": "T", "Item": item("JOB#1")}},
            {"Put": {"TableName": "T", "Item": item("WALLET#1")}},
            {"Update": {"TableName": "T", "Key": item("WALLET#1")}},
            {"ConditionCheck": {"TableName": "T", "Key": item("PAUSE#1")}},
        ],
    )
    assert keys(found) == [
        ("dynamodb:PutItem", ("JOB#1", "WALLET#1")),
        ("dynamodb:PutItem", ("JOB#1",)),
        ("dynamodb:PutItem", ("WALLET#1",)),
        ("dynamodb:UpdateItem", ("WALLET#1",)),
        ("dynamodb:ConditionCheckItem", ("PAUSE#1",)),
    ]


def test_a_batch_is_judged_table_by_table() -> None:
    read = asked("dynamodb", "BatchGetItem", RequestItems={"T": {"Keys": [item("A"), item("B")]}})
    written = asked("dynamodb", "BatchWriteItem", RequestItems={"T": [{"PutRequest": {"Item": item("A")}}]})
    assert keys(read) == [("dynamodb:BatchGetItem", found) for found in (("A", "B"), ("A",), ("B",))]
    assert keys(written) == [("dynamodb:BatchWriteItem", ("A",))]


def test_the_attributes_of_a_request_are_those_that_it_names() -> None:
    found = asked(
        "dynamodb",
        "UpdateItem",
        TableName="T",
        Key=item("A"),
        UpdateExpression="SET #n = if_not_exists(total, :z) + :one, detail.song = :one REMOVE gone",
        ExpressionAttributeNames={"#n": "count"},
    )
    assert found is not None
    assert values_of(found[0].context, "dynamodb:attributes") == ("count", "detail", "gone", "pk", "sk", "total")


SECRET = f"arn:aws:secretsmanager:{ACCOUNT}:secret"
READ_SECRET = "secretsmanager:GetSecretValue"
PUT_TARGETS = ("events:PutTargets", f"arn:aws:events:{ACCOUNT}:rule/r")


@pytest.mark.parametrize(
    ("service", "operation", "request_", "needed"),
    [
        ("states", "StartExecution", {"stateMachineArn": MACHINE}, [("states:StartExecution", MACHINE)]),
        ("states", "StartExecution", {"stateMachineArn": f"{MACHINE}:3"}, [("states:StartExecution", f"{MACHINE}:3")]),
        ("states", "SendTaskSuccess", {"taskToken": "waiting"}, [("states:SendTaskSuccess", MACHINE)]),
        ("states", "SendTaskSuccess", {"taskToken": "over"}, []),
        ("secretsmanager", "GetSecretValue", {"SecretId": "keys"}, [(READ_SECRET, f"{SECRET}:keys-abcdef")]),
        ("secretsmanager", "GetSecretValue", {"SecretId": "no"}, [(READ_SECRET, f"{SECRET}:no")]),
        ("ssm", "GetParameter", {"Name": "/a/b"}, [("ssm:GetParameter", f"arn:aws:ssm:{ACCOUNT}:parameter/a/b")]),
        ("sqs", "SendMessage", {"QueueUrl": "http://x/1/q"}, [("sqs:SendMessage", f"arn:aws:sqs:{ACCOUNT}:q")]),
        ("sqs", "SendMessageBatch", {"QueueUrl": "http://x/1/q"}, [("sqs:SendMessage", f"arn:aws:sqs:{ACCOUNT}:q")]),
        ("events", "PutTargets", {"Rule": "r", "Targets": [{"RoleArn": "r"}]}, [PUT_TARGETS, ("iam:PassRole", "r")]),
        ("sts", "GetCallerIdentity", {}, []),
    ],
)  # fmt: skip
def test_a_call_needs_a_right_on_what_it_names(
    service: str, operation: str, request_: dict[str, Any], needed: list[tuple[str, str]]
) -> None:
    assert told(asked(service, operation, **request_)) == needed


@pytest.mark.parametrize(("service", "operation"), [("dynamodb", "ExecuteStatement"), ("kms", "Decrypt"), ("sqs", "X")])
def test_a_call_that_nothing_knows_needs_what_nobody_can_say(service: str, operation: str) -> None:
    assert asked(service, operation) is None


def test_a_request_without_what_it_is_about_is_not_known() -> None:
    assert asked("dynamodb", "GetItem", Key={}) is None


def test_events_are_judged_bus_by_bus_with_all_their_sources() -> None:
    found = asked(
        "events",
        "PutEvents",
        Entries=[
            {"Source": "fermata", "DetailType": "A"},
            {"Source": "other", "DetailType": "A"},
            {"Source": "fermata", "DetailType": "B", "EventBusName": "mine"},
        ],
    )
    bus = f"arn:aws:events:{ACCOUNT}:event-bus"
    assert told(found) == [("events:PutEvents", f"{bus}/default"), ("events:PutEvents", f"{bus}/mine")]
    assert found is not None
    assert found[0].context == {"events:source": ("fermata", "other"), "events:detail-type": ("A",)}


@pytest.mark.parametrize(
    ("named", "query", "resource"),
    [
        ("F", "", FUNCTION),
        (FUNCTION, "", FUNCTION),
        ("F:live", "", f"{FUNCTION}:live"),
        (f"{FUNCTION}:3", "", f"{FUNCTION}:3"),
        ("F", "Qualifier=live", f"{FUNCTION}:live"),
    ],
)
def test_a_function_with_a_qualifier_is_another_resource(named: str, query: str, resource: str) -> None:
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": f"/2015-03-31/functions/{quote(named)}/invocations",
        "QUERY_STRING": query,
        "HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=A/20261130/eu-west-1/lambda/aws4_request",
    }
    assert told(needs_of(read_call(environ, b""), environ, Known())) == [("lambda:InvokeFunction", resource)]


B, K = "arn:aws:s3:::b", "arn:aws:s3:::b/k/a b"


@pytest.mark.parametrize(
    ("method", "path", "query", "needed"),
    [
        ("GET", "/b/k/a b", "", [("s3:GetObject", K)]),
        ("HEAD", "/b/k/a b", "", [("s3:GetObject", K)]),
        ("GET", "/b/k/a b", "X-Amz-Signature=1&response-content-type=a", [("s3:GetObject", K)]),
        ("GET", "/b/k/a b", "versionId=1", [("s3:GetObjectVersion", K)]),
        ("PUT", "/b/k/a b", "", [("s3:PutObject", K)]),
        ("POST", "/b/k/a b", "uploads", [("s3:PutObject", K)]),
        ("PUT", "/b/k/a b", "partNumber=1&uploadId=u", [("s3:PutObject", K)]),
        ("POST", "/b/k/a b", "uploadId=u", [("s3:PutObject", K)]),
        ("DELETE", "/b/k/a b", "uploadId=u", [("s3:AbortMultipartUpload", K)]),
        ("GET", "/b/k/a b", "uploadId=u", [("s3:ListMultipartUploadParts", K)]),
        ("DELETE", "/b/k/a b", "", [("s3:DeleteObject", K)]),
        ("DELETE", "/b/k/a b", "versionId=1", [("s3:DeleteObjectVersion", K)]),
        ("GET", "/b", "list-type=2&prefix=a", [("s3:ListBucket", B)]),
        ("GET", "/b/", "uploads", [("s3:ListBucketMultipartUploads", B)]),
        ("HEAD", "/b", "", [("s3:ListBucket", B)]),
        ("GET", "/", "", [("s3:ListAllMyBuckets", "*")]),
        ("PUT", "/b", "policy", []),
        ("POST", "/b", "delete", []),
    ],
)
def test_s3_asks_for_the_right_of_the_method_and_its_parameter(
    method: str, path: str, query: str, needed: list[tuple[str, str]]
) -> None:
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query}
    assert told(needs_of(read_call(environ, b""), environ, Known())) == needed


def test_a_listing_says_its_prefix() -> None:
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/b", "QUERY_STRING": "list-type=2&prefix=tracks%2Fa&max-keys=1"}
    found = needs_of(read_call(environ, b""), environ, Known())
    assert found is not None
    assert found[0].context == {"s3:prefix": ("tracks/a",), "s3:max-keys": ("1",)}


def test_a_copy_reads_its_source() -> None:
    environ = {"REQUEST_METHOD": "PUT", "PATH_INFO": "/b/k", "QUERY_STRING": "", "HTTP_X_AMZ_COPY_SOURCE": "a/o%20x"}
    assert told(needs_of(read_call(environ, b""), environ, Known())) == [
        ("s3:PutObject", f"{B}/k"),
        ("s3:GetObject", "arn:aws:s3:::a/o x"),
    ]


def test_a_key_beyond_ascii_is_read_as_it_was_written() -> None:
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/b/ü".encode().decode("latin-1"), "QUERY_STRING": ""}
    assert told(needs_of(read_call(environ, b""), environ, Known())) == [("s3:GetObject", f"{B}/ü")]
