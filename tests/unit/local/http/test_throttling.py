"""A route takes as many requests as its stage allows, and API Gateway itself refuses the others."""

from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from werkzeug.test import Client

from local.deploy.deployment import Authorizer, Cors, Route, Throttle
from local.http.bridge import HttpBridge
from local.http.throttling import Throttling
from local.logs import JsonLines
from local.runtime.lambda_answers import Answer

LIMIT = Throttle(rate_per_s=2, burst=3)
KEYS = Authorizer("Keys", "arn:authorize", "Authorization", 0)
PAGE = "https://app.example.com"
CORS = Cors((PAGE,), ("GET",), ("authorization",), (), 600)
LIVE = Route("GET", "/live/{name}", "arn:live", None, throttle=LIMIT)
KEYED = Route("GET", "/keyed", "arn:keyed", KEYS, CORS, LIMIT)
FREE = Route("GET", "/free", "arn:free", None)


class Clock:
    """Seconds that a test advances by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def called() -> list[str]:
    """The functions that were called."""
    return []


@pytest.fixture
def api(clock: Clock, called: list[str], tmp_path: Path) -> Iterator[Client]:
    def submit(arn: str, _payload: bytes) -> Future[Answer]:
        called.append(arn)
        future: Future[Answer] = Future()
        future.set_result(Answer(b'{"isAuthorized": true, "statusCode": 200, "body": "{}"}'))
        return future

    log = JsonLines(tmp_path / "http.jsonl")
    yield Client(HttpBridge([LIVE, KEYED, FREE], submit, log, clock=clock), use_cookies=False)
    log.close()


def passing(throttling: Throttling, route: Route, asked: int) -> int:
    return sum(throttling.admits(route) for _ in range(asked))


def test_a_burst_passes_and_then_the_rate(clock: Clock) -> None:
    throttling = Throttling(clock)
    assert passing(throttling, LIVE, 10) == 3
    clock.now += 0.49
    assert passing(throttling, LIVE, 10) == 0
    clock.now += 0.01
    assert passing(throttling, LIVE, 10) == 1
    clock.now += 3600
    assert passing(throttling, LIVE, 10) == 3


def test_a_refused_request_delays_no_other(clock: Clock) -> None:
    throttling = Throttling(clock)
    admitted = 0
    for _ in range(100):
        admitted += passing(throttling, LIVE, 10)
        clock.now += 0.125
    assert admitted == 3 + 24


def test_routes_are_counted_one_by_one_and_a_route_without_a_limit_never(clock: Clock) -> None:
    throttling = Throttling(clock)
    assert [passing(throttling, route, 1000) for route in (LIVE, KEYED, FREE)] == [3, 3, 1000]


def test_a_refusal_is_api_gateways_own_and_reaches_no_function(api: Client, called: list[str], clock: Clock) -> None:
    # Every address of a route takes from its one bucket.
    assert [api.get(f"/live/{number}").status_code for number in range(5)] == [200, 200, 200, 429, 429]
    answer = api.get("/live/9")
    assert (answer.json, answer.content_type) == ({"message": "Too Many Requests"}, "application/json")
    assert "apigw-requestid" in answer.headers
    assert called == ["arn:live"] * 3
    clock.now += 0.5
    assert api.get("/live/9").status_code == 200


def test_a_throttled_request_asks_no_authorizer_and_no_page_can_read_the_refusal(
    api: Client, called: list[str]
) -> None:
    sent = {"Authorization": "k", "Origin": PAGE}
    answers = [api.get("/keyed", headers=sent) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert called == ["arn:authorize", "arn:keyed"] * 3
    assert ["access-control-allow-origin" in answer.headers for answer in answers] == [True, True, True, False]


def test_a_preflight_takes_nothing(api: Client) -> None:
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "GET"}
    assert {api.options("/keyed", headers=asked).status_code for _ in range(10)} == {204}
    assert api.get("/keyed", headers={"Authorization": "k"}).status_code == 200
