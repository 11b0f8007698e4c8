"""The address that a job names for its webhook: a refused one stores nothing and costs nothing."""

import json
from typing import Any

import pytest

from fermata.domain.orders.idempotency import fingerprint_of
from fermata.domain.webhooks.message import WebhookEndpoint
from tests.fakes.world import World
from tests.functions import FakeContext, http_event, wired_app
from tests.songs import LYRICS, PROMPT, song_request
from tests.webhooks import CALLBACK_URL, SECRET

BODY = {"model": "minimax/music-2.5", "prompt": PROMPT, "lyrics": LYRICS}
BAD = {
    "http": "http://orders.example.com/42",
    "another scheme": "gopher://orders.example.com/42",
    "a strange port": "https://orders.example.com:8443/42",
    "private": "https://10.0.0.1/42",
    "this machine": "https://127.0.0.1/42",
    "this machine in another spelling": "https://2130706433/42",
    "metadata of the cloud": "https://169.254.169.254/latest/meta-data",
    "ipv4 within ipv6": "https://[::ffff:10.0.0.1]/42",
    "a name without a domain": "https://orders/42",
    "user info": "https://user:canary@orders.example.com/42",
    "a fragment": "https://orders.example.com/42#here",
    "a space": "https://orders.example.com/4 2",
    "not a url": "orders",
    "empty": "",
    "too long": f"https://orders.example.com/{'a' * 2048}",
    "no text": 42,
}


def world_with_a_secret() -> World:
    world = World()
    world.webhooks.point(WebhookEndpoint(tenant_id="acme"), SECRET)
    return world


def post(world: World, path: str, **fields: object) -> tuple[int, Any]:
    event = http_event("POST", path, json.dumps({**BODY, **fields}).encode())
    answer = wired_app("submit_job", world).lambda_handler(event, FakeContext())
    return answer["statusCode"], json.loads(answer["body"])


def test_a_public_address_is_kept_with_the_job_and_not_shown() -> None:
    world = world_with_a_secret()
    status, job = post(world, "/v1/jobs", callback_url=CALLBACK_URL)
    assert status == 202
    assert world.stored(job["id"]).request.callback_url == CALLBACK_URL
    assert "canary" not in json.dumps(job)


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/quote"])
@pytest.mark.parametrize("url", BAD.values(), ids=BAD.keys())
def test_an_address_where_fermata_does_not_go_is_refused_before_anything_is_stored(path: str, url: object) -> None:
    world = world_with_a_secret()
    status, problem = post(world, path, callback_url=url)
    assert (status, problem["type"], problem["charged"]) == (422, "urn:fermata:problem:invalid_request", "no")
    assert [error["pointer"] for error in problem["errors"]] == ["/callback_url"]
    assert (len(world.jobs), world.machine.started) == (0, [])
    assert "canary" not in json.dumps(problem)


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/quote"])
def test_a_tenant_without_a_secret_learns_how_to_get_one(path: str) -> None:
    world = World()
    status, problem = post(world, path, callback_url=CALLBACK_URL)
    (error,) = problem["errors"]
    assert (status, error["pointer"]) == (422, "/callback_url")
    assert "POST /v1/webhook/rotate makes one" in error["message"]
    assert (len(world.jobs), world.machine.started) == (0, [])


def test_another_address_is_another_request() -> None:
    requests = [song_request(callback_url=url) for url in (None, CALLBACK_URL, f"{CALLBACK_URL}2")]
    assert len({fingerprint_of(request) for request in requests}) == 3
    assert fingerprint_of(requests[0]) == fingerprint_of(song_request())
