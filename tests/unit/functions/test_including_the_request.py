"""A tenant reads its own words again, until it deletes the job."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fermata.domain.jobs.job import Job
from fermata.domain.orders.order_request import read_song_request
from tests.fakes.world import World
from tests.functions import Event, FakeContext, http_event, wired_app
from tests.songs import JOB_ID, LYRICS, PROMPT, delivered_job, queued_job, song_request

WITH_REQUEST = http_event("GET", f"/v1/jobs/{JOB_ID}", query="include=request")
EVERYTHING: dict[str, Any] = {
    "model": "minimax/music-2.5",
    "fallbacks": [],
    "on_unknown": "fallback",
    "prompt": PROMPT,
    "lyrics": LYRICS,
    "instrumental": True,
    "auto_lyrics": True,
    "audio": {"format": "wav", "sample_rate": 16000},
    "reference": {"audio_url": "https://a.example/b.mp3?c=d", "purpose": "voice"},
    "title": "",
    "finish_by": "2026-11-21T18:30:00.250000Z",
    "callback_url": "https://hooks.example/x",
    "metadata": {"a": "b"},
}


Call = Callable[[str, Event], Event]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(scratch=tmp_path)


@pytest.fixture
def call(world: World) -> Call:
    def ask(name: str, event: Event) -> Event:
        answer: Event = wired_app(name, world).lambda_handler(event, FakeContext())
        return answer

    return ask


@pytest.fixture
def read(call: Call) -> Callable[[Event], dict[str, Any]]:
    return lambda event: body_of(call("read_jobs", event))


def body_of(answer: Event) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(answer["body"])
    return body


def ordered(body: dict[str, Any]) -> Job:
    return queued_job(request=read_song_request(json.dumps(body).encode()))


@pytest.mark.parametrize("left_out", [None, *[name for name in EVERYTHING if name != "model"]])
def test_the_request_is_shown_as_it_was_sent(
    read: Callable[[Event], dict[str, Any]], world: World, left_out: str | None
) -> None:
    body = {name: value for name, value in EVERYTHING.items() if name != left_out}
    world.jobs.create(ordered(body))
    shown = read(WITH_REQUEST)["request"]
    assert shown == body
    assert read_song_request(json.dumps(shown).encode()) == read_song_request(json.dumps(body).encode())


def test_fields_with_their_default_are_left_out(read: Callable[[Event], dict[str, Any]], world: World) -> None:
    defaults = {"instrumental": False, "audio": {"format": "mp3"}, "title": None, "metadata": {}, "on_unknown": "fail"}
    world.jobs.create(ordered({"model": "minimax/music-2.5", "lyrics": LYRICS, "prompt": "", **defaults}))
    assert read(WITH_REQUEST)["request"] == {"model": "minimax/music-2.5", "lyrics": LYRICS}


def test_the_request_is_there_only_for_the_asking(read: Callable[[Event], dict[str, Any]], world: World) -> None:
    world.jobs.create(delivered_job())
    plain = read(http_event("GET", f"/v1/jobs/{JOB_ID}"))
    full = read(WITH_REQUEST)
    assert "request" not in plain
    assert {name: value for name, value in full.items() if name != "request"} == plain


def test_a_job_with_its_request_has_an_entity_tag_of_its_own(call: Call, world: World) -> None:
    world.jobs.create(queued_job())
    plain = call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}"))["headers"]["ETag"]
    event = http_event("GET", f"/v1/jobs/{JOB_ID}", query="include=request")
    event["headers"]["if-none-match"] = plain
    full = call("read_jobs", event)
    assert (full["statusCode"], full["headers"]["ETag"] != plain) == (200, True)
    event["headers"]["if-none-match"] = full["headers"]["ETag"]
    assert call("read_jobs", event)["statusCode"] == 304


@pytest.mark.parametrize("value", ["", "attempts", "Request", "request,attempts", "request,request"])
def test_anything_else_to_include_is_refused(call: Call, world: World, value: str) -> None:
    world.jobs.create(queued_job())
    answer = call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}", query=f"include={value}"))
    assert (answer["statusCode"], body_of(answer)["errors"][0]["pointer"]) == (422, "/include")


def test_a_list_of_jobs_includes_no_requests(call: Call, world: World) -> None:
    world.jobs.create(queued_job())
    answer = call("list_jobs", http_event("GET", "/v1/jobs", query="include=request"))
    assert (answer["statusCode"], body_of(answer)["errors"][0]["pointer"]) == (422, "/include")
    assert "request" not in body_of(call("list_jobs", http_event("GET", "/v1/jobs")))["data"][0]


def test_a_deleted_job_has_no_request_any_more(call: Call, world: World) -> None:
    world.jobs.create(delivered_job())
    assert call("delete_job", http_event("DELETE", f"/v1/jobs/{JOB_ID}"))["statusCode"] == 204
    assert call("read_jobs", WITH_REQUEST)["statusCode"] == 404
    assert world.stored(JOB_ID).request == song_request(prompt="", lyrics="")


def test_another_tenant_cannot_read_a_request(call: Call, world: World) -> None:
    world.jobs.create(queued_job())
    answer = call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}", tenant_id="other", query="include=request"))
    assert answer["statusCode"] == 404
    assert LYRICS not in answer["body"]
