"""The laptop's AWS asks its own checks before moto, and only where they belong."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Response

from local.emulator.aws_endpoint import AwsEndpoint
from local.emulator.s3.bucket_cors import CorsRule
from local.iam.gate import Gate
from local.iam.rights import Rights
from local.iam.statements import Policies
from local.logs import JsonLines

PAGE = {"Origin": "https://app.example.com"}
LINK = (
    "/songs/a.mp3?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-Date=20261130T120000Z&X-Amz-Expires=60"
    "&X-Amz-SignedHeaders=host&X-Amz-Signature=b"
)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 30, 12, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def aws(clock: Clock, tmp_path: Path) -> Iterator[Client]:
    log = JsonLines(tmp_path / "aws.jsonl")
    rules = [CorsRule(("GET",), ("*",))]
    endpoint = AwsEndpoint(Response("moto"), log, "AKIAOWN", clock=clock, cors_rules_of=lambda _: rules)
    yield Client(endpoint, use_cookies=False)
    log.close()


def test_a_link_ends_and_a_page_of_another_origin_can_read_that_it_did(aws: Client, clock: Clock) -> None:
    assert aws.get(LINK, headers=PAGE).text == "moto"
    clock.now += timedelta(seconds=60)
    answer = aws.get(LINK, headers=PAGE)
    assert (answer.status_code, "Request has expired" in answer.text) == (403, True)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_preflight_of_a_link_is_answered_whatever_its_age(aws: Client, clock: Clock) -> None:
    clock.now += timedelta(days=1)
    answer = aws.options(LINK, headers={**PAGE, "Access-Control-Request-Method": "GET"})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Methods"]) == (200, "GET")


def test_a_form_whose_policy_is_missing_is_refused(aws: Client) -> None:
    answer = aws.post("/songs", data={"key": "a", "file": "b"}, content_type="multipart/form-data")
    assert (answer.status_code, "<Code>AccessDenied</Code>" in answer.text) == (403, True)


@pytest.mark.parametrize("service", ["dynamodb", "states", "sqs"])
def test_calls_of_other_services_are_motos(aws: Client, service: str) -> None:
    signed = f"AWS4-HMAC-SHA256 Credential=AKIA/20261130/eu-west-1/{service}/aws4_request, SignedHeaders=host"
    answer = aws.post("/", headers={**PAGE, "Authorization": signed})
    assert (answer.text, "Access-Control-Allow-Origin" in answer.headers) == ("moto", False)


class Nothing:
    """No role may do anything, and no name stands for anything."""

    def of_role(self, role_arn: str) -> Policies:  # noqa: ARG002 (a `PolicySource`)
        return Policies()

    of_resource = of_role

    def hash_key(self, table: str, index: str | None) -> str | None:  # noqa: ARG002 (`Facts`)
        return None

    def secret_arn(self, secret_id: str) -> str | None:  # noqa: ARG002
        return None

    machine_of = secret_arn


def test_what_a_signer_may_not_do_is_refused_so_that_a_page_can_read_it(clock: Clock, tmp_path: Path) -> None:
    log, rights = JsonLines(tmp_path / "aws.jsonl"), Rights(Nothing())
    key = rights.let_in("arn:aws:iam::123456789012:role/R", "f")
    endpoint = AwsEndpoint(
        Response("moto"),
        log,
        "AKIAOWN",
        clock=clock,
        cors_rules_of=lambda _: [CorsRule(("GET",), ("*",))],
        gate=Gate(rights, Nothing()),
        unlogged={key},
    )
    client = Client(endpoint, use_cookies=False)
    refused = client.get(LINK.replace("Credential=a", f"Credential={key}"), headers=PAGE)
    assert (refused.status_code, "s3:GetObject" in refused.text) == (403, True)
    assert refused.headers["Access-Control-Allow-Origin"] == "*"
    signed = f"AWS4-HMAC-SHA256 Credential={key}/20261130/eu-west-1/lambda/aws4_request, SignedHeaders=host"
    invoked = client.post("/2015-03-31/functions/f/invocations", headers={"Authorization": signed})
    assert (invoked.status_code, "lambda:InvokeFunction" in invoked.text) == (403, True)
    log.close()
    assert [line for line in (tmp_path / "aws.jsonl").read_text("utf-8").splitlines() if "lambda" in line] == []
