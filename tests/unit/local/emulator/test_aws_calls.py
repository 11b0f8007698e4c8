"""An AWS request is named by its action and its resource."""

from typing import Any

import pytest

from local.emulator.aws_calls import invoked_function, read_call


def environ(
    method: str, path: str, query: str = "", service: str | None = "s3", target: str = "", **more: str
) -> dict[str, Any]:
    signature = f"AWS4-HMAC-SHA256 Credential=ASIAKEY/20260102/eu-west-1/{service}/aws4_request, SignedHeaders=host"
    signed = {"HTTP_AUTHORIZATION": signature} if service else {}
    named = {"HTTP_X_AMZ_TARGET": target} if target else {}
    return {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, **signed, **named, **more}


@pytest.mark.parametrize(
    ("method", "path", "query", "action"),
    [
        ("PUT", "/bucket/staging/job/1", "", "s3:PutObject"),
        ("PUT", "/bucket/key", "partNumber=1&uploadId=x", "s3:UploadPart"),
        ("POST", "/bucket/key", "uploads", "s3:CreateMultipartUpload"),
        ("POST", "/bucket/key", "uploadId=x", "s3:CompleteMultipartUpload"),
        ("DELETE", "/bucket/key", "uploadId=x", "s3:AbortMultipartUpload"),
        ("HEAD", "/bucket/key", "", "s3:HeadObject"),
        ("GET", "/bucket", "list-type=2", "s3:ListObjects"),
        ("PUT", "/bucket", "", "s3:CreateBucket"),
        ("PUT", "/bucket/key", "tagging", "s3:PutObjectTagging"),
        ("DELETE", "/bucket", "", "s3:DeleteBucket"),
    ],
)
def test_s3_calls_are_named_by_method_path_and_query(method: str, path: str, query: str, action: str) -> None:
    call = read_call(environ(method, path, query), b"")
    assert (call.action, call.resource, call.access_key) == (action, path.strip("/"), "ASIAKEY")


def test_a_list_of_buckets_names_none() -> None:
    call = read_call(environ("GET", "/"), b"")
    assert (call.action, call.resource) == ("s3:ListBuckets", None)


def test_a_link_has_no_caller() -> None:
    call = read_call(environ("GET", "/bucket/key", "X-Amz-Credential=ASIAKEY%2F20260102", service=None), b"")
    assert (call.action, call.access_key) == ("s3:GetObject", None)


def test_a_transaction_names_its_tables_once() -> None:
    body = b'{"TransactItems":[{"Put":{"TableName":"Jobs"}},{"Update":{"TableName":"Jobs"}}]}'
    request = environ("POST", "/", service="dynamodb", target="DynamoDB_20120810.TransactWriteItems")
    call = read_call(request, body)
    assert (call.action, call.resource, call.items) == ("dynamodb:TransactWriteItems", "Jobs", 2)


@pytest.mark.parametrize(
    ("body", "items"),
    [
        (b'{"RequestItems":{"Jobs":{"Keys":[{},{},{}]}}}', 3),
        (b'{"RequestItems":{"Jobs":[{},{}]}}', 2),
        (b'{"TableName":"Jobs"}', 1),
        (b"[]", 1),
    ],
)
def test_a_batch_says_how_many_items_it_names(body: bytes, items: int) -> None:
    request = environ("POST", "/", service="dynamodb", target="DynamoDB_20120810.BatchGetItem")
    assert read_call(request, body).items == items


def test_a_form_request_names_its_action() -> None:
    call = read_call(environ("POST", "/", service="iam"), b"Action=GetRole&RoleName=admin&Version=2010-05-08")
    assert (call.action, call.resource) == ("iam:GetRole", "admin")


@pytest.mark.parametrize("body", [b"", b"[]", b"not json", b'{"TableName": 3}'])
def test_a_body_that_names_nothing_has_no_resource(body: bytes) -> None:
    request = environ("POST", "/", service="dynamodb", target="DynamoDB_20120810.PutItem")
    assert read_call(request, body).resource is None


def test_an_invocation_names_its_function() -> None:
    path = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A1%3Afunction%3Ax/invocations"
    assert invoked_function("POST", path) == "arn:aws:lambda:eu-west-1:1:function:x"
    assert invoked_function("GET", path) is None
    assert invoked_function("POST", "/2015-03-31/functions/x") is None
    assert (
        read_call(environ("POST", "/2015-03-31/functions/x/invocations", service="lambda"), b"").action
        == "lambda:Invoke"
    )
