"""The bridge answers browsers of other origins from the API's configuration, as API Gateway does."""

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from local.deploy.deployment import Authorizer, Cors, Route
from local.http.bridge import HttpBridge
from local.logs import JsonLines
from local.runtime.lambda_answers import Answer

PAGE = "https://app.example.com"
CORS = Cors(
    origins=(PAGE, "http://localhost:5173"),
    methods=("GET", "POST"),
    headers=("authorization", "prefer"),
    exposed=("etag", "location"),
    max_age_s=600,
)
ROUTES = [
    Route("POST", "/v1/jobs", "arn:submit", Authorizer("Keys", "arn:authorize", "Authorization", 60)),
    Route("ANY", "$default", "arn:read", None),
]
LIVE_ROUTE = Route("GET", "/v1/live/{token}/{name}", "arn:live", None)
ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
SAID = (
    b'{"statusCode": 202, "headers": {"Access-Control-Allow-Origin": "https://evil.example.com", '
    b'"access-control-max-age": "1"}, "body": "{}"}'
)


class Functions:
    """Answers every call; keeps the ARNs that were called."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.decision = b'{"isAuthorized": true}'

    def submit(self, arn: str, _payload: bytes) -> Future[Answer]:
        self.called.append(arn)
        future: Future[Answer] = Future()
        future.set_result(Answer(self.decision if arn == "arn:authorize" else SAID))
        return future


@pytest.fixture
def functions() -> Functions:
    return Functions()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[JsonLines]:
    lines = JsonLines(tmp_path / "http.jsonl")
    yield lines
    lines.close()


def client(functions: Functions, log: JsonLines, cors: Cors | None) -> Client:
    routes = [*(replace(route, cors=cors) for route in ROUTES), LIVE_ROUTE]
    return Client(HttpBridge(routes, functions.submit, log), use_cookies=False)


def about_origins(headers: Any) -> dict[str, str]:  # noqa: ANN401 - werkzeug's headers
    return {name.lower(): value for name, value in headers.items() if name.lower().startswith("access-control-")}


def test_a_preflight_is_answered_without_a_key_and_without_a_function(functions: Functions, log: JsonLines) -> None:
    answer = client(functions, log, CORS).options("/v1/jobs", headers={"Origin": PAGE, **ASKS})
    assert (answer.status_code, answer.data, functions.called) == (204, b"", [])
    assert about_origins(answer.headers) == {
        "access-control-allow-origin": PAGE,
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "authorization,prefer",
        "access-control-max-age": "600",
    }


def test_a_preflight_from_another_origin_learns_nothing(functions: Functions, log: JsonLines) -> None:
    for origin in ("https://evil.example.com", "https://app.example.com.evil.example", "null", PAGE.upper()):
        answer = client(functions, log, CORS).options("/v1/jobs", headers={"Origin": origin, **ASKS})
        assert (answer.status_code, about_origins(answer.headers), functions.called) == (204, {}, [])


def test_an_answer_names_its_reader_and_the_headers_that_it_may_read(functions: Functions, log: JsonLines) -> None:
    answer = client(functions, log, CORS).post("/v1/jobs", headers={"Origin": PAGE, "Authorization": "k"})
    assert about_origins(answer.headers) == {
        "access-control-allow-origin": PAGE,
        "access-control-expose-headers": "etag,location",
    }


def test_an_answer_to_another_origin_is_not_readable_whatever_the_function_says(
    functions: Functions, log: JsonLines
) -> None:
    api = client(functions, log, CORS)
    for headers in ({"Origin": "https://evil.example.com"}, {}):
        answer = api.post("/v1/jobs", headers={"Authorization": "k", **headers})
        assert (answer.status_code, about_origins(answer.headers)) == (202, {})


@pytest.mark.parametrize(
    ("decision", "sent", "status"),
    [
        (b"{}", {}, 401),
        (b'{"isAuthorized": false}', {"Authorization": "k"}, 403),
        (b"{}", {"Authorization": "k"}, 500),
    ],
)
def test_what_api_gateway_itself_refuses_has_no_cors_headers(
    functions: Functions, log: JsonLines, decision: bytes, sent: dict[str, str], status: int
) -> None:
    functions.decision = decision
    answer = client(functions, log, CORS).post("/v1/jobs", headers={"Origin": PAGE, **sent})
    assert (answer.status_code, about_origins(answer.headers)) == (status, {})


def test_every_origin_may_be_let_in(functions: Functions, log: JsonLines) -> None:
    cors = Cors(("*",), CORS.methods, CORS.headers, CORS.exposed, CORS.max_age_s)
    answer = client(functions, log, cors).options("/v1/jobs", headers={"Origin": "https://any.example", **ASKS})
    assert answer.headers["access-control-allow-origin"] == "*"


def test_options_that_is_no_preflight_takes_its_route(functions: Functions, log: JsonLines) -> None:
    client(functions, log, CORS).options("/v1/jobs", headers={"Origin": PAGE})
    assert functions.called == ["arn:read"]


def test_without_a_configuration_a_preflight_is_a_request_like_any_other(functions: Functions, log: JsonLines) -> None:
    api = client(functions, log, None)
    answer = api.options("/v1/jobs", headers={"Origin": PAGE, **ASKS})
    assert (answer.status_code, functions.called) == (202, ["arn:read"])


def test_a_route_of_another_api_is_answered_by_its_own_rules(functions: Functions, log: JsonLines) -> None:
    answer = client(functions, log, CORS).get("/v1/live/token/1.mp3", headers={"Origin": "https://player.example"})
    # What the function says passes, because its API has no configuration.
    assert answer.headers["access-control-allow-origin"] == "https://evil.example.com"
