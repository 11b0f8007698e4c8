"""A request to DynamoDB is signed, goes where botocore would send it, and says what it must say."""

from typing import Any

import boto3
import pytest
from botocore.config import Config

from fermata.adapters.dynamodb.endpoint import endpoint, region
from fermata.errors import ConfigurationError
from tests.unit.adapters.dynamodb.two_clients import MAKERS, Maker, Script, ours, reply

ASKED: Any = {"TableName": "jobs", "Key": {"pk": {"S": "ä"}, "sk": {"S": "b"}}}
ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB")


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    for name in ENDPOINTS:
        monkeypatch.delenv(name, raising=False)


def sent_by(maker: Maker) -> Any:  # noqa: ANN401 - a prepared request, which has no stubs
    script = Script(reply(200, b"{}"))
    maker(script).get_item(**ASKED)
    return script.sent[0]


def text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def test_both_clients_send_the_same_request() -> None:
    mine, theirs = (sent_by(maker) for maker in MAKERS)
    named = ("X-Amz-Target", "Content-Type", "Content-Length")

    assert (mine.method, mine.url, mine.body) == (theirs.method, theirs.url, theirs.body)
    assert [text(mine.headers[name]) for name in named] == [text(theirs.headers[name]) for name in named]
    assert text(mine.headers["amz-sdk-request"]) == text(theirs.headers["amz-sdk-request"])


def test_a_request_is_signed_with_the_session_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a token")
    request = sent_by(ours)

    assert text(request.headers["X-Amz-Security-Token"]) == "a token"
    signed = text(request.headers["Authorization"])
    assert signed.startswith("AWS4-HMAC-SHA256 Credential=test/")
    assert "/eu-west-1/dynamodb/aws4_request, SignedHeaders=" in signed
    assert "x-amz-security-token" in signed
    assert "x-amz-target" in signed


def test_credentials_are_those_of_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(reply(200, b"{}"), reply(200, b"{}"))
    client = ours(script)
    client.get_item(**ASKED)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "renewed")
    client.get_item(**ASKED)

    assert ["renewed/" in text(each.headers["Authorization"]) for each in script.sent] == [False, True]


@pytest.mark.parametrize("name", [None, "function"])
def test_a_call_carries_the_trace_of_its_invocation_in_lambda(
    name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-2;Parent=3;Sampled=1;Lineage=a:0|b")
    if name:
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", name)
    mine, theirs = (text(sent_by(maker).headers.get("X-Amzn-Trace-Id", "")) for maker in MAKERS)

    assert mine == theirs
    assert bool(mine) == bool(name)


def regions() -> list[str]:
    session = boto3.Session()
    return [
        name
        for partition in session.get_available_partitions()
        for name in session.get_available_regions("dynamodb", partition)
        if name != "local"
    ]


def test_every_region_has_botocores_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    session, found, expected = boto3.Session("a", "b"), {}, {}
    for name in regions():
        monkeypatch.setenv("AWS_DEFAULT_REGION", name)
        found[name] = endpoint()
        client = session.client("dynamodb", name, config=Config(account_id_endpoint_mode="disabled"))
        expected[name] = client.meta.endpoint_url

    assert len(found) > 30
    assert {name for name in found if not name.startswith(("us-", "eu-", "ap-"))} >= {"cn-north-1", "sa-east-1"}
    assert found == expected


def test_a_configured_endpoint_goes_first_and_that_of_the_service_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1/")
    general = endpoint()
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:2")
    own = endpoint()
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")

    assert (general, own) == ("http://127.0.0.1:1", "http://127.0.0.1:2")
    assert endpoint() == "https://dynamodb.eu-west-1.amazonaws.com"


def test_a_kind_of_endpoint_that_is_not_known_is_refused_and_never_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")

    with pytest.raises(ConfigurationError, match="AWS_USE_FIPS_ENDPOINT has no effect"):
        endpoint()


def test_the_region_is_lambdas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")

    assert region() == "eu-central-1"
