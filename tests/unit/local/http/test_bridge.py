"""The HTTP API answers as API Gateway does."""

import base64
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from local.deploy.deployment import Authorizer, Route
from local.http.bridge import BUSY_PATIENCE_S, MAX_BODY_BYTES, HttpBridge, patient
from local.logs import JsonLines
from local.runtime.lambda_answers import Answer, error_answer
from local.runtime.lambda_runtime import TooManyRequestsError

AUTHORIZER = Authorizer("Keys", "arn:authorize", "Authorization", 60)
ROUTES = [
    Route("POST", "/v1/jobs", "arn:submit", AUTHORIZER),
    Route("GET", "/v1/jobs/{id}", "arn:read", AUTHORIZER),
    Route("ANY", "/open", "arn:open", None),
]
OK = {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": "{}"}

Behaviour = Callable[[dict[str, Any]], object]


class Functions:
    """Functions by ARN that answer at once; the events of each are kept."""

    def __init__(self) -> None:
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.behaviours: dict[str, Behaviour] = {"arn:authorize": lambda _: {"isAuthorized": True}}

    def submit(self, arn: str, payload: bytes) -> Future[Answer]:
        event = json.loads(payload)
        self.events.setdefault(arn, []).append(event)
        behaviour = self.behaviours.get(arn)
        said = behaviour(event) if behaviour else OK
        future: Future[Answer] = Future()
        if isinstance(said, Exception):
            raise said
        if said is not None:
            future.set_result(said if isinstance(said, Answer) else Answer(json.dumps(said).encode()))
        return future

    def asked(self, arn: str) -> list[dict[str, Any]]:
        return self.events.get(arn, [])


@pytest.fixture
def functions() -> Functions:
    return Functions()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[JsonLines]:
    lines = JsonLines(tmp_path / "http.jsonl")
    yield lines
    lines.close()


@pytest.fixture
def api(functions: Functions, log: JsonLines) -> Client:
    return Client(HttpBridge(ROUTES, functions.submit, log, integration_timeout_s=0.05), use_cookies=False)


def key(value: str = "Bearer good") -> dict[str, str]:
    return {"Authorization": value}


def message(response: TestResponse) -> tuple[int, object]:
    return response.status_code, response.json


def test_without_the_identity_header_nothing_is_called(api: Client, functions: Functions) -> None:
    assert message(api.post("/v1/jobs", data=b"{}")) == (401, {"message": "Unauthorized"})
    assert functions.events == {}


def test_an_empty_identity_header_counts_as_missing(api: Client, functions: Functions) -> None:
    assert message(api.post("/v1/jobs", headers=key(""))) == (401, {"message": "Unauthorized"})
    assert functions.events == {}


def test_a_request_without_authorization_reaches_no_function(api: Client, functions: Functions) -> None:
    functions.behaviours["arn:authorize"] = lambda _: {"isAuthorized": False}
    assert message(api.post("/v1/jobs", headers=key())) == (403, {"message": "Forbidden"})
    assert functions.asked("arn:submit") == []


def test_the_authorizers_answer_is_remembered_by_header_value(api: Client, functions: Functions) -> None:
    functions.behaviours["arn:authorize"] = lambda event: {"isAuthorized": event["identitySource"] == ["Bearer good"]}
    for _ in range(3):
        assert api.post("/v1/jobs", headers=key()).status_code == 200
        assert api.get("/v1/jobs/1", headers=key()).status_code == 200
        assert api.post("/v1/jobs", headers=key("Bearer bad")).status_code == 403
    assert [event["identitySource"] for event in functions.asked("arn:authorize")] == [["Bearer good"], ["Bearer bad"]]


def test_with_a_time_to_live_of_zero_the_authorizer_is_always_called(functions: Functions, log: JsonLines) -> None:
    forgetful = Authorizer("Keys", "arn:authorize", "Authorization", 0)
    api = Client(HttpBridge([Route("GET", "/", "arn:read", forgetful)], functions.submit, log))
    for _ in range(2):
        assert api.get("/", headers=key()).status_code == 200
    assert len(functions.asked("arn:authorize")) == 2


def test_what_the_authorizer_says_is_in_the_functions_context(api: Client, functions: Functions) -> None:
    functions.behaviours["arn:authorize"] = lambda _: {"isAuthorized": True, "context": {"tenant_id": "demo"}}
    api.get("/v1/jobs/job_1", headers=key())
    [event] = functions.asked("arn:read")
    assert event["requestContext"]["authorizer"] == {"lambda": {"tenant_id": "demo"}}
    assert event["pathParameters"] == {"id": "job_1"}


@pytest.mark.parametrize(
    "said",
    [
        error_answer("KeyError", "secret"),
        Answer(b"no json"),
        {"policy": 1},
        {"isAuthorized": "yes"},
    ],
)
def test_a_failing_authorizer_is_an_internal_error_and_not_remembered(
    api: Client, functions: Functions, said: object
) -> None:
    functions.behaviours["arn:authorize"] = lambda _: said
    assert message(api.get("/v1/jobs/1", headers=key())) == (500, {"message": "Internal Server Error"})
    functions.behaviours["arn:authorize"] = lambda _: {"isAuthorized": True}
    assert api.get("/v1/jobs/1", headers=key()).status_code == 200


@pytest.mark.parametrize("busy", ["arn:authorize", "arn:read"])
def test_a_busy_machine_answers_with_retry_after(api: Client, functions: Functions, busy: str) -> None:
    before = dict(functions.behaviours)
    functions.behaviours[busy] = lambda _: TooManyRequestsError()
    refused = api.get("/v1/jobs/1", headers=key())
    assert (message(refused), refused.headers["Retry-After"]) == ((503, {"message": "Service Unavailable"}), "1")
    functions.behaviours = before
    assert api.get("/v1/jobs/1", headers=key()).status_code == 200


def test_an_unknown_route_is_not_found(api: Client) -> None:
    assert message(api.get("/nowhere")) == (404, {"message": "Not Found"})


def test_the_event_has_payload_format_two(api: Client, functions: Functions) -> None:
    api.post(
        "/open?a=1&b=%26&a=2",
        data='{"x":"ü"}'.encode(),
        headers={"Content-Type": "application/json; charset=utf-8", "X-Two": "1", "Cookie": "c=1; d=2"},
    )
    [event] = functions.asked("arn:open")
    assert event["version"] == "2.0"
    assert event["routeKey"] == "ANY /open"
    assert event["rawPath"] == "/open"
    assert event["rawQueryString"] == "a=1&b=%26&a=2"
    assert event["queryStringParameters"] == {"a": "1,2", "b": "&"}
    assert (event["body"], event["isBase64Encoded"]) == ('{"x":"ü"}', False)
    assert event["cookies"] == ["c=1", "d=2"]
    assert event["headers"]["x-forwarded-proto"] == "http"
    assert "cookie" not in event["headers"]
    assert event["requestContext"]["http"]["method"] == "POST"
    assert event["requestContext"]["stage"] == "$default"
    assert "authorizer" not in event["requestContext"]


@pytest.mark.parametrize(
    "content_type", ["application/octet-stream", "application/x-www-form-urlencoded", "text/plain"]
)
def test_a_body_that_is_no_text_is_base64(api: Client, functions: Functions, content_type: str) -> None:
    api.post("/open", data=b"\xff\x00", headers={"Content-Type": content_type})
    [event] = functions.asked("arn:open")
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == b"\xff\x00"


def test_without_a_body_there_is_none_in_the_event(api: Client, functions: Functions) -> None:
    api.get("/open")
    assert "body" not in functions.asked("arn:open")[0]


def test_a_body_over_the_quota_reaches_nothing(api: Client, functions: Functions) -> None:
    response = api.post("/v1/jobs", data=b"x" * (MAX_BODY_BYTES + 1), headers=key())
    assert message(response) == (413, {"message": "Request Entity Too Large"})
    assert functions.events == {}


def test_a_body_of_exactly_the_quota_passes(api: Client, functions: Functions) -> None:
    assert api.post("/open", data=b"x" * MAX_BODY_BYTES).status_code == 200
    assert len(base64.b64decode(functions.asked("arn:open")[0]["body"])) == MAX_BODY_BYTES


@pytest.mark.parametrize(
    ("said", "status", "text"),
    [
        (error_answer("KeyError", "secret"), 500, "Internal Server Error"),
        (error_answer("Sandbox.Timedout", "secret"), 500, "Internal Server Error"),
        (Answer(b"no json"), 500, "Internal Server Error"),
        ({"statusCode": "many"}, 500, "Internal Server Error"),
        ({"statusCode": 99}, 500, "Internal Server Error"),
        ({"statusCode": 200, "body": {"an": "object"}}, 500, "Internal Server Error"),
        ({"statusCode": 200, "body": "%%%", "isBase64Encoded": True}, 500, "Internal Server Error"),
        ({"statusCode": 200, "headers": {"location": "a\r\nb: c"}}, 500, "Internal Server Error"),
        (TooManyRequestsError(), 503, "Service Unavailable"),
        (None, 503, "Service Unavailable"),
    ],
)
def test_a_function_that_gives_no_response_is_answered_for(
    api: Client, functions: Functions, said: object, status: int, text: str
) -> None:
    functions.behaviours["arn:open"] = lambda _: said
    assert message(api.get("/open")) == (status, {"message": text})


def test_status_headers_cookies_and_bytes_of_the_answer_are_passed_on(api: Client, functions: Functions) -> None:
    functions.behaviours["arn:open"] = lambda _: {
        "statusCode": 302,
        "headers": {"Location": "http://127.0.0.1/x?y=%2F", "content-type": "audio/mpeg", "Retry-After": 3},
        "cookies": ["a=1", "b=2"],
        "body": base64.b64encode(b"\x00\xff").decode(),
        "isBase64Encoded": True,
    }
    response = api.get("/open")
    assert response.status_code == 302
    assert response.headers["Location"] == "http://127.0.0.1/x?y=%2F"
    assert response.headers["Content-Type"] == "audio/mpeg"
    assert response.headers["Retry-After"] == "3"
    assert response.headers.getlist("Set-Cookie") == ["a=1", "b=2"]
    assert response.data == b"\x00\xff"


def test_an_answer_without_a_status_is_the_body(api: Client, functions: Functions) -> None:
    functions.behaviours["arn:open"] = lambda _: {"just": "json"}
    assert message(api.get("/open")) == (200, {"just": "json"})


def test_the_log_says_who_answered_and_keeps_no_query_and_no_key(api: Client, tmp_path: Path) -> None:
    api.get("/v1/jobs/job_1?token=s3cret", headers=key("Bearer canary"))
    api.get("/v1/jobs/job_1")
    api.get("/nowhere")
    text = (tmp_path / "http.jsonl").read_text("utf-8")
    answered, refused, unknown = map(json.loads, text.splitlines())
    assert (
        answered.items() >= {"method": "GET", "route": "GET /v1/jobs/{id}", "status": 200, "function": "read"}.items()
    )
    assert answered["request_id"]
    assert (refused["status"], refused["function"]) == (401, None)
    assert (unknown["route"], unknown["function"]) == (None, None)
    assert "s3cret" not in text
    assert "canary" not in text


def test_a_request_waits_a_moment_for_a_free_environment_and_no_longer() -> None:
    passed: list[float] = []

    def busy_for(times: int) -> Callable[[str, bytes], Future[Answer]]:
        left = [TooManyRequestsError("busy")] * times

        def submit(_name: str, _payload: bytes) -> Future[Answer]:
            if left:
                raise left.pop()
            return Future()

        return submit

    def passes() -> float:
        return sum(passed)

    assert not patient(busy_for(3), passes, passed.append)("function", b"").done()
    assert 0 < passes() < BUSY_PATIENCE_S
    with pytest.raises(TooManyRequestsError):
        patient(busy_for(10_000), passes, passed.append)("function", b"")
    assert passes() < 2 * BUSY_PATIENCE_S + 1


class Faulty:
    """The faults of sources by function."""

    def __init__(self, faults: dict[str, str], failed_starts: dict[str, str]) -> None:
        self._faults, self._failed_starts = faults, failed_starts

    def fault_of(self, function_arn: str) -> str | None:
        return self._faults.get(function_arn)

    def failed_start_of(self, function_arn: str) -> str | None:
        return self._failed_starts.get(function_arn)


@pytest.mark.parametrize("faulty", ["arn:submit", "arn:authorize"])
def test_a_source_with_an_error_is_a_problem_that_names_the_file_and_calls_nothing(
    functions: Functions, log: JsonLines, faulty: str
) -> None:
    faults = Faulty({faulty: "layers/shop.py, line 1: invalid syntax"}, {})
    api = Client(HttpBridge(ROUTES, functions.submit, log, faults=faults))
    answer = api.post("/v1/jobs", headers=key())
    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
    assert answer.json is not None
    assert answer.json["detail"] == "layers/shop.py, line 1: invalid syntax"
    assert answer.json["request_id"] == answer.headers["apigw-requestid"]
    assert functions.events == {}
    assert api.get("/open").status_code == 200


@pytest.mark.parametrize("faulty", ["arn:submit", "arn:authorize"])
def test_a_handler_that_cannot_be_imported_is_a_problem_that_says_why(
    functions: Functions, log: JsonLines, faulty: str
) -> None:
    functions.behaviours[faulty] = lambda _: error_answer("NameError", "name 'x' is not defined")
    faults = Faulty({}, {faulty: "functions/submit/app.py, line 3: name 'x' is not defined"})
    api = Client(HttpBridge(ROUTES, functions.submit, log, faults=faults))
    answer = api.post("/v1/jobs", headers=key())
    assert answer.status_code == 500
    assert answer.json is not None
    assert answer.json["detail"] == "functions/submit/app.py, line 3: name 'x' is not defined"


def test_decisions_that_were_forgotten_are_asked_for_again(functions: Functions, log: JsonLines) -> None:
    bridge = HttpBridge(ROUTES, functions.submit, log)
    api = Client(bridge)
    for _ in range(2):
        assert api.post("/v1/jobs", headers=key()).status_code == 200
        bridge.forget_decisions()
    assert len(functions.asked("arn:authorize")) == 2


def test_the_machines_own_address_leads_to_the_console_where_the_stack_has_one(
    functions: Functions, log: JsonLines, api: Client
) -> None:
    with_console = Client(HttpBridge([*ROUTES, Route("GET", "/console", "arn:page", None)], functions.submit, log))
    opened = with_console.get("/")
    assert (opened.status_code, opened.headers["Location"]) == (302, "/console")
    assert with_console.post("/").status_code == api.get("/").status_code == 404
    assert functions.events == {}
