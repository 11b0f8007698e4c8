"""Posting a webhook: the same guard as for every foreign address, one request, no redirect, and an end in time."""

import gzip
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from socket import create_server, socket

import httpcore
import pytest

import fermata
from fermata.adapters.http.transport import Resolver, resolve
from fermata.adapters.http.webhook_sender import MOST_ANSWER_BYTES, MOST_READ_BYTES, HttpWebhookSender
from fermata.domain.webhooks.delivery import Answered, NoAnswer, NotAnswered, Reply
from tests.support.loopback import Answer, Loopback, close, closed_port, listening, redirect, reset, respond

HEADERS = {"content-type": "application/json", "webhook-id": "job_1_succeeded"}
BODY = b'{"type":"job.succeeded"}'
PUBLIC = "93.184.216.34"


def loopback(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


@contextmanager
def reading_nothing() -> Iterator[str]:
    """An address that takes connections and reads nothing."""
    with create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def sender(*servers: Loopback, within_s: float = 5, resolver: Resolver = loopback) -> HttpWebhookSender:
    return HttpWebhookSender([server.origin for server in servers], 1, within_s, resolver)


def sent_to(*answers: Answer, path: str = "/hook?token=a%2Fb", within_s: float = 5) -> tuple[Reply, Loopback]:
    with listening(*answers) as server:
        return sender(server, within_s=within_s).send(server.origin + path, HEADERS, BODY), server


def test_a_webhook_is_one_post_of_exactly_these_bytes() -> None:
    reply, server = sent_to(respond(status="204 No Content"))
    assert reply == Answered(204)
    (request,) = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hook?token=a%2Fb HTTP/1.1\r\n")
    assert body == BODY
    assert b"webhook-id: job_1_succeeded" in head
    assert b"authorization" not in head.lower()
    assert f"User-Agent: Fermata/{fermata.__version__}\r\n".encode() in head


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "410 Gone", "500 Internal Server Error"])
def test_a_status_is_reported_unchanged(status: str) -> None:
    assert sent_to(respond(b"thanks", status=status))[0] == Answered(int(status[:3]))


@pytest.mark.parametrize(("header", "asked"), [("7", 7), ("999999999", 86_400), ("-3", None), ("soon", None)])
def test_the_retry_after_of_a_receiver_is_bounded(header: str, asked: int | None) -> None:
    reply, _ = sent_to(respond(status="429 Too Many Requests", Retry_After=header))
    assert reply == Answered(429, asked)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Again", "308 Moved"])
def test_a_redirect_is_not_followed(status: str) -> None:
    with listening(respond()) as elsewhere, listening(redirect(f"{elsewhere.origin}/there", status)) as server:
        assert sender(server, elsewhere).send(f"{server.origin}/hook", HEADERS, BODY) == Answered(int(status[:3]))
        assert (server.connections, elsewhere.connections) == (1, 0)


def test_a_redirect_whose_location_is_no_address_is_reported_by_its_status() -> None:
    assert sent_to(redirect("http://[::1/a b\x01"))[0] == Answered(302)


@pytest.mark.parametrize("host", ["hooks..example.com", f"{'a' * 64}.example.com"])
def test_what_can_be_no_name_has_no_address(host: str) -> None:
    with pytest.raises(OSError, match="is no name"):
        resolve(host, 443)


def test_an_answer_without_end_is_read_to_a_small_bound() -> None:
    sent = 0

    def endless(connection: socket) -> None:
        nonlocal sent
        respond(b"", length=10**9)(connection)
        for _ in range(4096):
            connection.sendall(b"a" * 65_536)
            sent += 65_536

    assert sent_to(endless)[0] == Answered(200)
    assert sent < 64 * 65_536 * MOST_ANSWER_BYTES / 4096


def test_an_answer_that_would_unpack_to_gigabytes_is_not_unpacked() -> None:
    bomb = gzip.compress(gzip.compress(bytes(40_000_000)))
    tracemalloc.start()
    try:
        reply, _ = sent_to(respond(bomb, Content_Encoding="gzip, gzip"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert reply == Answered(200)
    assert peak < 4_000_000


def test_answers_before_the_answer_are_read_to_a_small_bound() -> None:
    sent = 0

    def flood(connection: socket) -> None:
        nonlocal sent
        while True:
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" * 1000)
            sent += 42_000

    assert sent_to(flood, within_s=60)[0] == NotAnswered(NoAnswer.ANSWER_LOST)
    # What the kernels of both ends hold comes to it.
    assert sent < 64 * MOST_READ_BYTES


def test_a_receiver_that_reads_nothing_is_left_in_time() -> None:
    with reading_nothing() as origin:
        reply = HttpWebhookSender([origin], 1, 0.3, loopback).send(f"{origin}/hook", HEADERS, b"x" * 50_000_000)
    assert reply == NotAnswered(NoAnswer.TIMEOUT)


@pytest.mark.parametrize("answer", [close, reset], ids=["closed", "reset"])
def test_an_answer_that_does_not_come_is_a_failed_try(answer: Answer) -> None:
    reply, server = sent_to(answer)
    assert (reply, server.connections) == (NotAnswered(NoAnswer.ANSWER_LOST), 1)


def test_a_receiver_that_is_silent_is_left_in_time() -> None:
    def silence(connection: socket) -> None:
        connection.recv(1)

    assert sent_to(silence, within_s=0.2)[0] == NotAnswered(NoAnswer.TIMEOUT)


def test_a_body_that_never_ends_does_not_take_the_status_away() -> None:
    def begin_only(connection: socket) -> None:
        respond(b"half", length=100)(connection)
        connection.recv(1)

    assert sent_to(begin_only, within_s=0.5)[0] == Answered(200)


def test_an_address_without_a_listener_gives_no_connection() -> None:
    origin = f"http://127.0.0.1:{closed_port()}"
    reply = HttpWebhookSender([origin], 1, 5, loopback).send(f"{origin}/", HEADERS, BODY)
    assert reply == NotAnswered(NoAnswer.NO_CONNECTION)


def unresolvable(_host: str, _port: int) -> list[str]:
    raise OSError("no such name")


def test_a_resolver_that_says_nothing_is_a_timeout() -> None:
    over = threading.Event()

    def hangs(_host: str, _port: int) -> list[str]:
        over.wait(20)
        return [PUBLIC]

    try:
        reply = sender(within_s=0.05, resolver=hangs).send("https://hooks.example.com/", HEADERS, BODY)
    finally:
        over.set()
    assert reply == NotAnswered(NoAnswer.TIMEOUT)


def test_an_unregistered_name_gives_no_connection() -> None:
    reply = sender(resolver=unresolvable).send("https://hooks.example.com/", HEADERS, BODY)
    assert reply == NotAnswered(NoAnswer.NO_CONNECTION)


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Every connection that was tried; none is made."""
    tried: list[tuple[str, int]] = []

    def connect(_self: httpcore.SyncBackend, host: str, port: int, *_: object) -> httpcore.NetworkStream:
        tried.append((host, port))
        raise httpcore.ConnectError("this test connects to nobody")

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    return tried


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.7"], ["169.254.169.254"], ["::1"], ["fd00::1"], ["::ffff:10.0.0.1"], [PUBLIC, "10.0.0.7"]],
)
def test_a_name_that_leads_to_a_private_address_is_not_called(
    connects: list[tuple[str, int]], addresses: list[str]
) -> None:
    reply = sender(resolver=lambda _host, _port: addresses).send("https://hooks.example.com/", HEADERS, BODY)
    assert (reply, connects) == (NotAnswered(NoAnswer.ADDRESS_REFUSED), [])


@pytest.mark.parametrize(
    "url", ["http://hooks.example.com/", "https://hooks.example.com:8443/", "https://10.0.0.7/", "ftp://x.example/"]
)
def test_an_address_that_became_unsafe_after_it_was_stored_is_not_called(
    connects: list[tuple[str, int]], url: str
) -> None:
    assert sender().send(url, HEADERS, BODY) == NotAnswered(NoAnswer.ADDRESS_REFUSED)
    assert connects == []


def test_a_name_that_changes_its_address_is_checked_at_each_connection(connects: list[tuple[str, int]]) -> None:
    answers = iter(([PUBLIC], ["10.0.0.7"]))
    reply = sender(resolver=lambda _host, _port: next(answers)).send("https://hooks.example.com/", HEADERS, BODY)
    assert (reply, connects) == (NotAnswered(NoAnswer.ADDRESS_REFUSED), [(PUBLIC, 443)])
