"""The tests' client repeats what the machine was too busy for, and nothing that the code got wrong."""

from collections.abc import Iterator

import pytest

from tests.integration import song
from tests.integration.song import Cloud
from tests.support.loopback import Loopback, listening, respond

GATEWAY = respond(b'{"message":"Internal Server Error"}', status="500 Internal Server Error")
OURS = respond(b"{}", status="500 Internal Server Error", content_type="application/problem+json")
READ, ORDER = "/v1/live/a/playlist.m3u8", "/v1/live/a/order"
"""Of no documented operation, so that any answer is one."""


@pytest.fixture
def _every_failure_took_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(song, "_SHORTEST_TIMEOUT_S", 0)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with listening(GATEWAY, respond(b"{}")) as server:
        yield server


def cloud_at(server: Loopback) -> Cloud:
    return Cloud({"api_url": server.origin, "api_key": "fk_any"})


@pytest.mark.usefixtures("_every_failure_took_long")
def test_a_read_that_timed_out_is_repeated_and_so_is_an_order_with_a_key(server: Loopback) -> None:
    with cloud_at(server).http() as http:
        assert http.get(READ).status_code == 200
    with listening(GATEWAY, respond(b"{}")) as another, cloud_at(another).http() as http:
        assert http.post(ORDER, headers={"Idempotency-Key": "one"}, content=b"{}").status_code == 200
        assert [request.endswith(b"{}") for request in another.requests] == [True, True]


@pytest.mark.usefixtures("_every_failure_took_long")
def test_an_order_without_a_key_is_sent_once(server: Loopback) -> None:
    with cloud_at(server).http() as http:
        assert http.post(ORDER, content=b"{}").status_code == 500
    assert len(server.requests) == 1


@pytest.mark.usefixtures("_every_failure_took_long")
def test_a_failure_of_the_api_itself_is_seen() -> None:
    with listening(OURS, respond(b"{}")) as server, cloud_at(server).http() as http:
        assert http.get(READ).status_code == 500


def test_a_function_that_fails_at_once_is_seen(server: Loopback) -> None:
    with cloud_at(server).http() as http:
        assert http.get(READ).status_code == 500
