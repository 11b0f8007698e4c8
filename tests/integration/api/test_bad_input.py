"""What is wrong with a request is said by JSON pointer; nothing is stored and nothing is started."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fermata.domain.tenants.api_keys import new_api_key
from tests.fakes.clock import NOON
from tests.integration.song import TLS, Cloud, request

UNKNOWN_KEY, _ = new_api_key("nobody", NOON, bytes(25))


@pytest.fixture
def nothing_happens(cloud: Cloud) -> Iterator[None]:
    before = cloud.stored_and_started()
    yield
    assert cloud.left_since(before) == set()


def assert_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert answer.status_code == body["status"] == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(body) == {"type", "title", "status", "detail", "errors", "retryable", "charged", "request_id"}
    assert body["request_id"]
    return body


@pytest.mark.usefixtures("nothing_happens")
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"model": NaN}', b'{"model": "a"} x', b"\xff\xfe{}", b"[" * 100_000, b'{"a":' * 20_000],
    ids=["empty", "cut", "NaN", "two things", "not UTF-8", "deep array", "deep object"],
)
def test_what_is_not_json_is_400(cloud: Cloud, body: bytes) -> None:
    with cloud.http() as http:
        problem = assert_problem(http.post("/v1/jobs", content=body), 400)
    assert problem["charged"] == "no"


@pytest.mark.usefixtures("nothing_happens")
@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ({"model": None}, ["/model"]),
        ({"model": "minimax/nothing"}, ["/model"]),
        ({"model": "minimax/music-cover"}, ["/prompt", "/reference"]),
        ({"model": "google/lyria2"}, ["/model"]),
        ({"model": "aimlapi/google/lyria2"}, ["/lyrics", "/audio/format"]),
        ({"prompt": 7}, ["/prompt"]),
        ({"prompt": "x" * 2001}, ["/prompt"]),
        ({"lyrics": "x" * 3501}, ["/lyrics"]),
        ({"lyrics": ""}, ["/lyrics"]),
        ({"instrumental": "yes"}, ["/instrumental"]),
        ({"instrumental": True, "lyrics": ""}, ["/instrumental"]),
        ({"tempo": 90}, ["/tempo"]),
        ({"a/b~c": 1}, ["/a~1b~0c"]),
        ({"audio": {"format": "pcm"}}, ["/audio/format"]),
        ({"audio": {"sample_rate": 48000, "bitrate": 1}}, ["/audio/sample_rate", "/audio/bitrate"]),
        ({"audio": {"format": "wav", "bitrate": 128000}}, ["/audio/bitrate"]),
        ({"audio": {"loud": True}}, ["/audio/loud"]),
        ({"metadata": {"order": 42}}, ["/metadata/order"]),
        ({"prompt": "\ud800"}, ["/prompt"]),
        ({"fallbacks": ["minimax/nothing"], "on_unknown": "retry"}, ["/on_unknown"]),
        ({"fallbacks": ["minimax/nothing", "minimax/music-1.5"], "prompt": "short"}, ["/fallbacks/0", "/fallbacks/1"]),
        ({"prompt": 7, "lyrics": 7}, ["/prompt", "/lyrics"]),
    ],
)
def test_a_wrong_field_is_named_by_its_json_pointer(cloud: Cloud, fields: dict[str, Any], pointers: list[str]) -> None:
    with cloud.http() as http:
        problem = assert_problem(http.post("/v1/jobs", content=json.dumps({**request("bad input"), **fields})), 422)
    assert [error["pointer"] for error in problem["errors"]] == pointers
    assert all(error["message"] for error in problem["errors"])


@pytest.mark.usefixtures("nothing_happens")
def test_a_missing_model_is_named(cloud: Cloud) -> None:
    with cloud.http() as http:
        problem = assert_problem(http.post("/v1/jobs", json={"prompt": "indie folk"}), 422)
    assert problem["errors"] == [{"pointer": "/model", "message": "is required"}]


@pytest.mark.usefixtures("nothing_happens")
def test_a_json_array_is_422_at_the_root(cloud: Cloud) -> None:
    with cloud.http() as http:
        problem = assert_problem(http.post("/v1/jobs", json=[1]), 422)
    assert problem["errors"][0]["pointer"] == ""


@pytest.mark.usefixtures("nothing_happens")
def test_a_body_over_the_limit_is_413(cloud: Cloud) -> None:
    with cloud.http() as http:
        assert_problem(http.post("/v1/jobs", json=request("x" * 200_000)), 413)
        assert http.post("/v1/jobs", content=b"x" * 11_000_000).status_code == 413


@pytest.mark.parametrize("job_id", ["job_01ARZ3NDEKTSV4RRFFQ69G5FAV", "nonsense", "job_", "%00", "x" * 3000])
def test_an_unknown_job_is_404(cloud: Cloud, job_id: str) -> None:
    with cloud.http() as http:
        for path in ("", "/audio", "/attempts"):
            assert_problem(http.get(f"/v1/jobs/{job_id}{path}"), 404)


def test_another_tenants_job_is_the_same_404_as_an_unknown_one(cloud: Cloud) -> None:
    job = cloud.submit(request("somebody else's song"))
    cloud.manage(action="create_tenant", tenant_id="curious")
    stranger = cloud.manage(action="issue_key", tenant_id="curious")["api_key"]
    with cloud.http(stranger) as http:
        theirs = assert_problem(http.get(f"/v1/jobs/{job['id']}"), 404)
        unknown = assert_problem(http.get("/v1/jobs/job_01ARZ3NDEKTSV4RRFFQ69G5FAV"), 404)
        for path in ("/audio", "/attempts"):
            assert_problem(http.get(f"/v1/jobs/{job['id']}{path}"), 404)
    assert {**theirs, "request_id": ""} == {**unknown, "request_id": ""}
    assert cloud.finished(job["id"])["status"] == "succeeded"


def test_an_unknown_route_is_404_without_a_key(cloud: Cloud) -> None:
    assert_problem(httpx.get(f"{cloud.line['api_url']}/v2/songs", verify=TLS), 404)


def test_health_is_reported_without_a_key(cloud: Cloud) -> None:
    answer = httpx.get(f"{cloud.line['api_url']}/healthz", verify=TLS)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.usefixtures("nothing_happens")
def test_a_quote_costs_nothing_and_starts_nothing(cloud: Cloud) -> None:
    with cloud.http() as http:
        answer = http.post("/v1/quote", json=request("what would it cost", fallbacks=["skillboss/music-2.5"]))
        assert (answer.status_code, answer.json()["price_credits"]) == (200, 30)
        assert answer.json()["fallbacks"] == ["skillboss/music-2.5"]
        assert_problem(http.post("/v1/quote", json=request("what would it cost", tempo=90)), 422)


def handler_lines(cloud: Cloud) -> int:
    logs = Path(cloud.line["logs_dir"])
    names = ("SubmitJobFunction.jsonl", "ReadJobsFunction.jsonl")
    return sum(len((logs / name).read_text().splitlines()) for name in names if (logs / name).exists())


@pytest.mark.usefixtures("nothing_happens")
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": f"Bearer {UNKNOWN_KEY}"}, 403),
        ({"Authorization": "Bearer nonsense"}, 403),
        ({"Authorization": "Basic dXNlcjpwYXNz"}, 403),
    ],
    ids=["missing", "unknown", "malformed", "another scheme"],
)
def test_a_missing_or_wrong_key_starts_no_handler(cloud: Cloud, headers: dict[str, str], status: int) -> None:
    before = handler_lines(cloud)
    for method, path in (("POST", "/v1/jobs"), ("GET", "/v1/jobs/job_01ARZ3NDEKTSV4RRFFQ69G5FAV")):
        answer = httpx.request(method, cloud.line["api_url"] + path, headers=headers, json={})
        assert answer.status_code == status
    assert handler_lines(cloud) == before
