"""What is refused: in a problem that says why, before anything is stored or paid."""

from typing import Any

import httpx
import pytest

from tests.e2e.stack import Stack

NO_JOB = "job_00000000000000000000000000"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"tempo": 90}, "/tempo"),
        ({"model": "no/model"}, "/model"),
        ({"lyrics": 7}, "/lyrics"),
        ({"prompt": "x" * 100_000}, "/prompt"),
        ({"fallbacks": ["no/model"]}, "/fallbacks/0"),
        ({"finish_by": "2020-01-01T00:00:00Z"}, "/finish_by"),
        ({"callback_url": "http://169.254.169.254/latest"}, "/callback_url"),
        ({"audio": {"format": "ogg"}}, "/audio/format"),
        ({"metadata": {"e2e": 7}}, "/metadata/e2e"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_value_is_named_and_nothing_is_ordered(stack: Stack, changes: dict[str, Any], pointer: str) -> None:
    with stack.http() as http:
        body = {**stack.body("song"), **changes}
        answer = http.post("/v1/jobs", json=body, headers={"Idempotency-Key": f"{stack.run}-refused{pointer}"})
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (422, "urn:fermata:problem:invalid_request")
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert (problem["charged"], problem["retryable"]) == ("no", False)


@pytest.mark.parametrize(("content", "expected"), [(b"", 400), (b'{"model": ', 400), (b"[]", 422), (b"\xff", 400)])
def test_a_body_that_is_no_json_object_is_refused(stack: Stack, content: bytes, expected: int) -> None:
    with stack.http() as http:
        answer = http.post("/v1/jobs", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == expected, answer.text
    assert answer.json()["type"].startswith("urn:fermata:problem:")


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", f"/v1/jobs/{NO_JOB}", "not_found"),
        ("GET", f"/v1/jobs/{NO_JOB}/audio", "not_found"),
        ("POST", f"/v1/jobs/{NO_JOB}/cancel", "not_found"),
        ("DELETE", f"/v1/jobs/{NO_JOB}", "not_found"),
        ("GET", "/v1/jobs?order=42", "invalid_request"),
    ],
)
def test_what_is_not_there_is_not_found(stack: Stack, method: str, path: str, kind: str) -> None:
    with stack.http() as http:
        answer = http.request(method, path)
    assert answer.json()["type"] == f"urn:fermata:problem:{kind}"
    assert answer.status_code == {"not_found": 404, "invalid_request": 422}[kind]


def test_no_key_and_a_wrong_key_open_nothing(stack: Stack) -> None:
    url = f"{stack.address['API_URL']}/v1/account"
    assert httpx.get(url).status_code == 401
    for key in ("nonsense", "fk_abcdefgh_" + "A" * 43):
        with stack.http(key) as http:
            assert http.get("/v1/account").status_code in (401, 403)


def test_what_needs_no_key_answers_without_one(stack: Stack) -> None:
    assert httpx.get(f"{stack.address['API_URL']}/healthz").json() == {"status": "ok"}
    assert httpx.get(f"{stack.address['API_URL']}/openapi.json").json()["openapi"].startswith("3.1")
