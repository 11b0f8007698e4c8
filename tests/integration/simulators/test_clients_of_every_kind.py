"""Clients that misbehave, leave early or reuse their connection."""

import json
import socket
import threading
import time
from collections.abc import Callable

import pytest

from local.simulators.http.connection import MAX_BODY_BYTES
from tests.integration.simulators.online import Provider


def send(port: int, *pieces: bytes) -> bytes:
    """Send raw bytes and read until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        for piece in pieces:
            client.sendall(piece)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while received := client.recv(65536):
            answer += received
        return answer


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not holds():
        if time.monotonic() > deadline:
            return False
    return True


def serving_threads(provider: Provider) -> int:
    return sum(thread.name == f"simulator client {provider.url}" for thread in threading.enumerate())


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"this is not http\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -5\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"y" * 200_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
    ],
)
def test_what_is_no_request_is_refused(minimax: Provider, raw: bytes, status: bytes) -> None:
    assert send(minimax.port, raw).startswith(b"HTTP/1.1 " + status)


def test_an_endless_body_is_cut_off(minimax: Provider) -> None:
    head = b"POST /v1/music_generation HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    too_many = MAX_BODY_BYTES // 0x100000 + 1
    assert send(minimax.port, head, *[chunk] * too_many).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "raw", [b"", b"GET", b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf", b"\r\n", b"\x00" * 100]
)
def test_a_client_that_leaves_half_way_leaves_nothing_behind(minimax: Provider, raw: bytes) -> None:
    client = socket.create_connection(("127.0.0.1", minimax.port))
    client.sendall(raw)
    client.close()
    assert eventually(lambda: serving_threads(minimax) == 0)
    assert minimax.bill["posts"] == 0


def order_bytes(provider: Provider, key: str) -> bytes:
    body = json.dumps(provider.body()).encode()
    headers = ("host: a", f"authorization: Bearer {key}", f"content-length: {len(body)}")
    return "\r\n".join((f"POST {provider.path} HTTP/1.1", *headers, "", "")).encode() + body


@pytest.mark.parametrize("fault", ["hang:600", "slow:1"])
def test_a_thread_ends_when_its_client_leaves_and_the_song_is_charged(minimax: Provider, fault: str) -> None:
    minimax.fault(fault)
    client = socket.create_connection(("127.0.0.1", minimax.port))
    client.sendall(order_bytes(minimax, "key-of-the-test"))
    assert eventually(lambda: bool(minimax.bill["charged"]))
    assert serving_threads(minimax) == 2
    client.close()
    # The connection over which the bill was read is kept.
    assert eventually(lambda: serving_threads(minimax) == 1)


def test_pipelined_requests_are_answered_in_order(minimax: Provider) -> None:
    bill = b"GET /_sim/bill HTTP/1.1\r\nhost: a\r\n\r\n"
    last = b"GET /_sim/bill HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
    answer = send(minimax.port, bill + order_bytes(minimax, "key-of-the-test") + last)
    found = [answer.find(part) for part in (b'"posts":0', b'"base_resp"', b'"posts":1')]
    assert -1 not in found
    assert found == sorted(found)


def test_a_request_that_arrives_while_another_is_served_waits_for_its_turn(minimax: Provider) -> None:
    minimax.fault("hang:0.3")
    last = b"GET /_sim/bill HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", minimax.port), timeout=30) as client:
        client.sendall(order_bytes(minimax, "key-of-the-test"))
        assert eventually(lambda: bool(minimax.bill["charged"]))
        client.sendall(last)
        answer = b""
        while received := client.recv(65536):
            answer += received
    assert 0 < answer.find(b'"base_resp"') < answer.find(b'"posts":1')


def test_a_connection_is_kept_for_the_next_request(minimax: Provider) -> None:
    with minimax.client.stream("GET", f"{minimax.url}/_sim/bill") as first:
        address = first.extensions["network_stream"].get_extra_info("client_addr")
        first.read()
    with minimax.client.stream("GET", f"{minimax.url}/_sim/bill") as second:
        assert second.extensions["network_stream"].get_extra_info("client_addr") == address


def test_an_old_client_gets_its_answer_and_the_end_of_the_connection(minimax: Provider) -> None:
    answer = send(minimax.port, b"GET /_sim/bill HTTP/1.0\r\n\r\n")
    assert answer.endswith(b'{"posts":0,"charged":0,"usd":0.0,"characters":0,"items":[]}')


def test_a_client_that_expects_100_continue_receives_it(minimax: Provider) -> None:
    raw = order_bytes(minimax, "key-of-the-test").replace(b"host: a", b"host: a\r\nexpect: 100-continue")
    head, _, body = raw.partition(b"\r\n\r\n")
    with socket.create_connection(("127.0.0.1", minimax.port), timeout=30) as client:
        client.sendall(head + b"\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 100")
        client.sendall(body)
        assert client.recv(100).startswith(b"HTTP/1.1 200")


def test_chunked_bodies_are_read(minimax: Provider) -> None:
    body = json.dumps(minimax.body()).encode()
    pieces = iter([body[:10], body[10:]])
    answer = minimax.client.post(minimax.url + minimax.path, content=pieces, headers=minimax.authorization)
    assert answer.json()["base_resp"]["status_code"] == 0


def test_the_port_is_free_and_no_thread_is_left_after_a_stop(start: Callable[..., Provider]) -> None:
    minimax = start("minimax")
    minimax.order()
    idle = socket.create_connection(("127.0.0.1", minimax.port))
    minimax.running.stop()
    minimax.running.stop()
    assert not [thread for thread in threading.enumerate() if minimax.url in thread.name]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", minimax.port))
    idle.close()


def test_every_request_is_logged_without_keys_prompts_or_signed_queries(aimlapi: Provider) -> None:
    aimlapi.fault("link:http://10.0.0.1/x?Signature=canary-query", on="poll")
    task = aimlapi.order(prompt="a canary prompt").json()["id"]
    link = aimlapi.poll(task).json() and aimlapi.poll(task).json()["audio_file"]["url"]
    aimlapi.client.get(link)
    assert eventually(lambda: len(aimlapi.log) == 5)
    assert [(line["method"], line["status"], line["fault"]) for line in aimlapi.log] == [
        ("POST", 201, None),
        ("POST", 201, None),
        ("GET", 200, "link:http://10.0.0.1/x"),
        ("GET", 200, None),
        ("GET", 200, None),
    ]
    assert len({line["prompt_sha256"] for line in aimlapi.log[1:]}) == 1
    written = aimlapi.log_path.read_text()
    for secret in ("key-of-the-test", "canary", "Signature", "?"):
        assert secret not in written


def test_an_answer_that_never_left_is_logged_without_a_status(minimax: Provider) -> None:
    minimax.fault("reset_before_body")
    send(minimax.port, order_bytes(minimax, "wrong"))
    client = socket.create_connection(("127.0.0.1", minimax.port), timeout=30)
    client.sendall(order_bytes(minimax, "key-of-the-test"))
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    client.close()
    assert eventually(lambda: len(minimax.log) == 3)
    assert [(line["status"], line["fault"]) for line in minimax.log[1:]] == [(200, None), (None, "reset_before_body")]
