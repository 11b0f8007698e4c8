"""How errors, bodies, callers and addresses look over HTTP."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata import errors, limit_errors
from fermata.api.job_answers import LONGEST_RETRY_AFTER_S, retry_after
from fermata.api.requests import api_url, caller, idempotency_key, raw_body
from fermata.api.resolver import create_api
from fermata.api.responses.problem import Charge
from fermata.domain.catalogue.models import Estimate
from fermata.domain.jobs.view import JobView
from fermata.domain.tenants.api_keys import Scope
from fermata.domain.tenants.tenant import Caller
from fermata.errors import (
    BeyondOwnKeyError,
    BodyTooLargeError,
    FieldError,
    InvalidRequestError,
    LimitReachedError,
    MalformedBodyError,
    MalformedHeaderError,
    NotFoundError,
    NotStartedError,
    OutOfCreditError,
    TenantSuspendedError,
    TooManyKeysError,
    TransientError,
)
from fermata.limit_errors import (
    KeyLimitError,
    LossesAtRiskError,
    LostSongsError,
    MonthlyLimitError,
    RateLimitedError,
    TooManyBatchesError,
    TooManyJobsError,
    UnpaidJobsError,
)
from tests.fakes.clock import NOON
from tests.functions import Event, http_event
from tests.songs import delivered_job, queued_job

FIELDS = {"type", "title", "status", "detail", "errors", "retryable", "charged", "request_id"}


def answer_to(error: Exception, charged: Charge = None) -> Event:
    api = create_api(None, charged)

    @api.get("/boom")
    def boom() -> None:
        raise error

    return resolve(api, "/boom")


def resolve(api: APIGatewayHttpResolver, path: str) -> Event:
    answer: Event = api.resolve(http_event("GET", path), LambdaContext())
    return {**answer, "problem": json.loads(answer["body"])}


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (MalformedBodyError("the body is not JSON in UTF-8"), 400, "malformed_body"),
        (NotFoundError("there is no such job"), 404, "not_found"),
        (BodyTooLargeError("too long"), 413, "body_too_large"),
        (InvalidRequestError([FieldError("/prompt", "is required")]), 422, "invalid_request"),
        (TransientError("the job table could not be read"), 503, "unavailable"),
        (ValueError("canary"), 500, "internal"),
    ],
)
def test_every_error_is_a_problem_document_with_the_same_fields(error: Exception, status: int, slug: str) -> None:
    answer = answer_to(error)
    problem = answer["problem"]
    assert set(problem) == FIELDS
    assert (answer["statusCode"], problem["status"], problem["type"]) == (status, status, f"urn:fermata:problem:{slug}")
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert problem["retryable"] is (status == 503)
    assert ("Retry-After" in answer["headers"]) is (status == 503)
    assert problem["request_id"] == "request-1"
    assert problem["title"]
    assert problem["detail"]


def test_every_refusal_of_the_tree_has_its_answer() -> None:
    kinds = [kind for kind in (vars(errors) | vars(limit_errors)).values() if isinstance(kind, type)]
    refusals = [kind for kind in kinds if issubclass(kind, errors.RequestRefusedError)]
    for kind in refusals:
        if kind is not errors.RequestRefusedError:
            assert 400 <= answer_to(made(kind))["statusCode"] < 500


@pytest.mark.parametrize("scopes", ["", "jobs:write account:read", "jobs:*", "JOBS:READ"])
@pytest.mark.parametrize("needed_by", ["api", "route"])
def test_a_caller_without_the_scope_learns_which_one_is_needed(scopes: str, needed_by: str) -> None:
    api = create_api(Scope.JOBS_READ if needed_by == "api" else None)
    event = http_event("GET", "/jobs")
    event["requestContext"]["authorizer"]["lambda"]["scopes"] = scopes

    @api.get("/jobs")
    def jobs() -> None:
        assert needed_by == "route"
        caller(api.current_event, Scope.JOBS_READ)

    answer: Event = api.resolve(event, LambdaContext())
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["type"]) == (403, "urn:fermata:problem:insufficient_scope")
    assert (problem["required_scope"], problem["retryable"]) == ("jobs:read", False)
    assert "jobs:read" in problem["detail"]


def made(kind: type[errors.RequestRefusedError]) -> errors.RequestRefusedError:
    if issubclass(kind, InvalidRequestError):
        return kind([FieldError("", "x")])
    with_figures: dict[type[errors.RequestRefusedError], Callable[[], errors.RequestRefusedError]] = {
        OutOfCreditError: lambda: OutOfCreditError(0, 0, 30),
        RateLimitedError: lambda: RateLimitedError("orders", 60, 30),
        TooManyJobsError: lambda: TooManyJobsError(100, 10),
        LossesAtRiskError: lambda: LossesAtRiskError(20, 0, 20, 10),
        TooManyBatchesError: lambda: TooManyBatchesError(3, 60),
        LostSongsError: lambda: LostSongsError(20, 20, 0, 3600),
        UnpaidJobsError: lambda: UnpaidJobsError(1000, 3600),
        MonthlyLimitError: lambda: MonthlyLimitError(100, 0, 30, 86_400),
        TooManyKeysError: lambda: TooManyKeysError(1000, 90),
        TenantSuspendedError: lambda: TenantSuspendedError(NOON),
        BeyondOwnKeyError: lambda: BeyondOwnKeyError([FieldError("/scopes", "x")]),
        KeyLimitError: lambda: KeyLimitError(100, 0, 30, 86_400),
        LimitReachedError: lambda: RateLimitedError("reads", 600, 30),
    }
    return with_figures.get(kind, lambda: kind("x"))()


@pytest.mark.parametrize(
    ("balance", "available", "words"),
    [
        (12, 12, "may cost 30 credits and the balance is 12 credits"),
        (-60, 7, "may cost 30 credits and the month's spending cap leaves 7 credits (balance -60)"),
    ],
)
def test_an_order_that_is_not_paid_for_names_balance_and_price(balance: int, available: int, words: str) -> None:
    answer = answer_to(OutOfCreditError(balance, available, 30), charged="no")
    problem = answer["problem"]
    assert (answer["statusCode"], problem["type"]) == (402, "urn:fermata:problem:out_of_credit")
    assert words in problem["detail"]
    assert (problem["balance_credits"], problem["available_credits"], problem["price_credits"]) == (
        balance,
        available,
        30,
    )
    assert (problem["charged"], problem["retryable"]) == ("no", False)


def test_a_stored_job_that_was_not_started_says_that_it_holds_credits() -> None:
    problem = answer_to(NotStartedError("send it again"), charged="no")["problem"]
    assert (problem["status"], problem["charged"], problem["retryable"]) == (503, "held", True)


@pytest.mark.parametrize("key", ["k", "!", "~" * 255, "order-42", "a,b"])
def test_an_idempotency_key_is_visible_ascii(key: str) -> None:
    assert idempotency_key(event_of(headers={"idempotency-key": key})) == key


def test_an_order_needs_no_idempotency_key() -> None:
    assert idempotency_key(event_of()) is None


@pytest.mark.parametrize("key", ["", "k" * 256, "a b", " ", "\t", "k\n", "\x7f", "schl\u00fcssel", "\u96e8"])
def test_a_malformed_idempotency_key_is_refused(key: str) -> None:
    with pytest.raises(MalformedHeaderError, match=f"1 to 255 visible ASCII .* got {len(key)} characters"):
        idempotency_key(event_of(headers={"idempotency-key": key}))


def test_an_unexpected_error_shows_nothing_of_itself() -> None:
    answer = answer_to(ValueError("canary of the inside"))
    assert "canary" not in answer["body"]
    assert "Traceback" not in answer["body"]
    assert "request_id" in answer["problem"]["detail"]


def test_a_wrong_field_is_reported_as_pointer_and_message_and_in_words() -> None:
    problem = answer_to(InvalidRequestError([FieldError("/a~1b", "is required"), FieldError("", "must be an object")]))[
        "problem"
    ]
    assert problem["errors"] == [
        {"pointer": "/a~1b", "message": "is required"},
        {"pointer": "", "message": "must be an object"},
    ]
    assert problem["detail"] == "/a~1b is required; the body must be an object"


def test_a_refused_order_says_that_it_cost_nothing_and_a_read_says_nothing() -> None:
    assert answer_to(NotFoundError("no"), charged="no")["problem"]["charged"] == "no"
    assert answer_to(NotFoundError("no"))["problem"]["charged"] is None


def test_an_unknown_route_is_a_problem_too() -> None:
    answer = resolve(create_api(None), "/nowhere")
    assert (answer["statusCode"], set(answer["problem"])) == (404, FIELDS)
    assert "GET /nowhere" in answer["problem"]["detail"]


def event_of(**changes: object) -> APIGatewayProxyEventV2:
    return APIGatewayProxyEventV2({**http_event("POST", "/v1/jobs"), **changes})


def test_the_caller_is_the_one_that_the_authorizer_names() -> None:
    scopes = ("account:read", "jobs:read", "jobs:write")
    assert caller(event_of()) == Caller("acme", "aaaaaaaa", scopes)


def test_a_route_without_an_authorizer_has_no_caller() -> None:
    event = http_event("POST", "/v1/jobs")
    del event["requestContext"]["authorizer"]
    with pytest.raises(RuntimeError, match="no authorizer"):
        caller(APIGatewayProxyEventV2(event))


def test_no_header_or_parameter_can_choose_another_tenant() -> None:
    event = http_event("POST", "/v1/jobs")
    event["headers"] |= {"tenant_id": "other", "x-tenant-id": "other"}
    event["queryStringParameters"] = {"tenant_id": "other"}
    assert caller(APIGatewayProxyEventV2(event)).tenant_id == "acme"


@pytest.mark.parametrize(
    ("body", "base64", "raw"),
    [
        (None, False, b""),
        ("", False, b""),
        ('{"a": "é"}', False, '{"a": "é"}'.encode()),
        ("\ud800", False, b"\xed\xa0\x80"),
        ("eyJhIjogMX0=", True, b'{"a": 1}'),
        ("", True, b""),
    ],
)
def test_a_body_is_the_bytes_that_were_sent(body: str | None, base64: bool, raw: bytes) -> None:
    assert raw_body(event_of(body=body, isBase64Encoded=base64)) == raw


def test_a_body_that_is_no_base64_is_malformed() -> None:
    with pytest.raises(MalformedBodyError):
        raw_body(event_of(body="e-y*", isBase64Encoded=True))


@pytest.mark.parametrize(("scheme", "url"), [("https", "https://api.example.com"), ("http", "http://api.example.com")])
def test_addresses_use_the_scheme_and_host_of_the_request(scheme: str, url: str) -> None:
    event = http_event("GET", "/v1/jobs")
    event["headers"]["x-forwarded-proto"] = scheme
    assert api_url(APIGatewayProxyEventV2(event)) == url


def test_an_address_is_https_by_default() -> None:
    event = http_event("GET", "/v1/jobs")
    del event["headers"]["x-forwarded-proto"]
    assert api_url(APIGatewayProxyEventV2(event)) == "https://api.example.com"


@pytest.mark.parametrize(
    ("age_s", "p50_s", "after"), [(0, 70, LONGEST_RETRY_AFTER_S), (60, 70, 10), (69.5, 70, 1), (500, 70, 1), (0, 1, 1)]
)
def test_an_open_job_is_polled_again_near_its_expected_end(age_s: float, p50_s: int, after: int) -> None:
    view = JobView(queued_job(), Estimate(p50_s=p50_s, p80_s=120))
    assert retry_after(view, NOON + timedelta(seconds=age_s)) == {"Retry-After": str(after)}


def test_a_finished_job_need_not_be_polled_again() -> None:
    assert retry_after(JobView(delivered_job(), Estimate(p50_s=70, p80_s=120)), NOON) == {}
