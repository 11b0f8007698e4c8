"""A failed call of DynamoDB is tried again when botocore's standard mode would, as often and as long after."""

import json
import random
from binascii import crc32
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ReadTimeoutError,
)
from botocore.retries import quota, standard

from fermata.adapters.dynamodb.retries import LOST, THROTTLED, Retries, kind_of
from tests.unit.adapters.dynamodb.two_clients import MAKERS, TRIES, Client, Maker, Reply, Script, boto3s, ours, reply

ASKED: Any = {"TableName": "jobs", "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}}
WRITTEN: Any = {"TransactItems": [{"Put": {"TableName": "jobs", "Item": ASKED["Key"]}}]}
URL = "https://dynamodb"
LOSSES = (
    EndpointConnectionError(endpoint_url=URL, error="refused"),
    ConnectTimeoutError(endpoint_url=URL, error="slow"),
    ReadTimeoutError(endpoint_url=URL, error="slow"),
    ConnectionClosedError(endpoint_url=URL, error="closed"),
    HTTPClientError(error="broken"),
)


@pytest.fixture(autouse=True)
def theirs(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """botocore's pauses, which take no time and have no chance in them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    # The default argument of botocore's back-off is bound when its class is made.
    monkeypatch.setattr(standard.ExponentialBackoff.__init__, "__defaults__", (20, lambda: 1.0, None, None))
    return pauses


def refused(code: str, status: int = 400) -> Reply:
    return reply(status, b'{"__type":"x#' + code.encode() + b'","message":"no"}')


def outcome(client: Client) -> str:
    try:
        answer = client.get_item(**ASKED)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    except BotoCoreError as error:
        return type(error).__name__
    return str(answer["ResponseMetadata"]["RetryAttempts"])


THROTTLED_BY_BOTOCORE: Any = standard.ThrottledRetryableChecker
TRANSIENT: Any = standard.TransientRetryableChecker
CODES = sorted(
    {
        *THROTTLED_BY_BOTOCORE._THROTTLED_ERROR_CODES,  # noqa: SLF001 - botocore names them nowhere else
        *TRANSIENT._TRANSIENT_ERROR_CODES,  # noqa: SLF001 - as above
        *("InternalServerError", "ValidationException", "ConditionalCheckFailedException", "ExpiredTokenException"),
        *(
            "TransactionCanceledException",
            "TransactionConflictException",
            "RequestTimeTooSkewed",
            "AccessDeniedException",
        ),
    }
)


@pytest.mark.parametrize("status", [400, 403, 413, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("code", CODES)
def test_a_refusal_is_tried_again_as_often_and_as_late_as_by_botocore(
    code: str, status: int, theirs: list[float]
) -> None:
    if (code, status) == ("InternalServerError", 429):
        status = 500  # A pair that does not exist, and which botocore's description of the service rules out.
    pauses: list[float] = []
    scripts = [Script(*(refused(code, status) for _ in range(TRIES))) for _ in MAKERS]

    assert outcome(ours(scripts[0], pauses)) == outcome(boto3s(scripts[1])) == code
    assert len(scripts[0].sent) == len(scripts[1].sent)
    assert pauses == theirs


@pytest.mark.parametrize("lost", LOSSES, ids=lambda lost: type(lost).__name__)
def test_a_lost_connection_is_tried_again_and_reported_as_by_botocore(lost: Exception, theirs: list[float]) -> None:
    pauses: list[float] = []
    scripts = [Script(*[lost] * TRIES) for _ in MAKERS]

    assert outcome(ours(scripts[0], pauses)) == outcome(boto3s(scripts[1])) == type(lost).__name__
    assert len(scripts[0].sent) == len(scripts[1].sent) == TRIES
    assert pauses == theirs


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_a_call_that_succeeds_later_says_how_often_it_was_tried(maker: Maker) -> None:
    script = Script(LOSSES[0], refused("ProvisionedThroughputExceededException"), reply(200, b"{}"))

    assert outcome(maker(script)) == "2"


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_each_try_of_a_transaction_has_the_same_token_and_another_transaction_another(maker: Maker) -> None:
    script = Script(LOSSES[3], reply(200, b"{}"), reply(200, b"{}"))
    client = maker(script)
    client.transact_write_items(**WRITTEN)
    client.transact_write_items(**WRITTEN)

    first, again, other = (_token(request.body) for request in script.sent)
    assert first == again != other


def _token(body: bytes) -> str:
    return str(json.loads(body)["ClientRequestToken"])


def test_one_try_is_one_try() -> None:
    script = Script(LOSSES[2])

    assert outcome(ours(script, attempts=1)) == "ReadTimeoutError"


def test_a_damaged_answer_is_read_again_and_never_believed() -> None:
    damaged = {"x-amz-crc32": str(crc32(b"{}") ^ 1)}
    sound = reply(200, b"{}", {"x-amz-crc32": str(crc32(b"{}"))})

    assert outcome(ours(Script(reply(200, b"{}", damaged), sound))) == "1"
    assert outcome(ours(Script(*(reply(200, b"{}", damaged) for _ in range(TRIES))))) == "HTTPClientError"


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b"\xff"])
def test_an_answer_of_somebody_else_is_no_empty_answer(body: bytes) -> None:
    assert outcome(ours(Script(*(reply(200, body) for _ in range(TRIES))))) == "HTTPClientError"
    assert outcome(ours(Script(reply(404, body)))) == "404"


def test_a_call_without_credentials_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    script = Script()

    with pytest.raises(NoCredentialsError):
        ours(script).get_item(**ASKED)
    assert not script.sent


def test_the_quota_of_a_client_ends_tries_as_botocores_does() -> None:
    """By chance and by the same calls at both."""
    draw = random.Random(64)
    mine = Retries(TRIES, lambda: 1.0)
    botocores = quota.RetryQuota()
    checker: Any = standard.RetryQuotaChecker
    for _ in range(2_000):
        kind = draw.choice([LOST, LOST, THROTTLED, None])
        if kind is None:
            mine.succeeded(None)
            botocores.release(1)
        else:
            tried = mine.pause_s(1, kind) is not None
            assert tried == botocores.acquire(kind.cost)
            if tried and draw.random() < 0.5:
                mine.succeeded(kind)
                botocores.release(kind.cost)
    assert LOST.cost == checker._RETRY_COST  # noqa: SLF001 - botocore names it nowhere else
    assert THROTTLED.cost == checker._THROTTLING_RETRY_COST  # noqa: SLF001 - as above


def test_nothing_is_tried_again_that_cannot_change() -> None:
    assert kind_of("ValidationException", 400) is None
