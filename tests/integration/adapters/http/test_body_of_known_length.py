"""A body whose length is known is read past h11, and ends as if h11 had read it, whatever the server does."""

import socket
import time
from collections.abc import Callable
from typing import Final

import h11
import httpx
import pytest

from fermata.adapters.http import transport
from fermata.adapters.http.bodies import BodyOutOfBoundsError
from fermata.adapters.http.guarded import guarded_client
from fermata.domain.web.safe_url import LinkTarget, check_public_link
from tests.support.certificates import certificate_for, vouched_for
from tests.support.loopback import Answer, Loopback, listening, reset

BODY: Final = bytes(range(256)) * 2500
HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n"
LENGTH: Final = b"Content-Length: %d\r\n" % len(BODY)
MOST_BYTES: Final = 10_000_000


def sends(*pieces: bytes, then: Answer | None = None) -> Answer:
    """Each piece as a segment of its own, as far as that can be had."""

    def answer(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)
        if then is not None:
            then(connection)

    return answer


ANSWERS: Final[dict[str, Answer]] = {
    "head and body at once": sends(HEAD + LENGTH + b"\r\n" + BODY),
    "head, then body": sends(HEAD + LENGTH + b"\r\n", BODY),
    "byte by byte": sends(*(bytes([each]) for each in HEAD + b"Content-Length: 30\r\n\r\n" + BODY[:30])),
    "more than was said": sends(HEAD + b"Content-Length: 100\r\n\r\n" + BODY),
    "much more, later": sends(HEAD + b"Content-Length: 100\r\n\r\n", BODY[:50], BODY),
    "cut within the first piece": sends(HEAD + LENGTH + b"\r\n" + BODY[:10]),
    "cut later": sends(HEAD + LENGTH + b"\r\n", BODY[:-1]),
    "cut before the body": sends(HEAD + LENGTH + b"\r\n"),
    "reset": sends(HEAD + LENGTH + b"\r\n", BODY[:100_000], then=reset),
    "nothing": sends(HEAD + b"Content-Length: 0\r\n\r\n"),
    "one byte": sends(HEAD + b"Content-Length: 1\r\n\r\n", b"x"),
    "a length said twice": sends(HEAD + LENGTH + LENGTH + b"\r\n" + BODY),
    "a list of lengths": sends(HEAD + b"Content-Length: 30, 30\r\n\r\n" + BODY[:30]),
    "two lengths": sends(HEAD + LENGTH + b"Content-Length: 7\r\n\r\n" + BODY),
    "no number": sends(HEAD + b"Content-Length: 0x10\r\n\r\n" + BODY),
    "less than nothing": sends(HEAD + b"Content-Length: -1\r\n\r\n" + BODY),
    "a number of other digits": sends(HEAD + "Content-Length: ٣\r\n\r\n".encode() + BODY),
    "a length beyond all bounds": sends(HEAD + b"Content-Length: 99999999999999999999\r\n\r\n" + BODY),
    "chunks beside a length": sends(HEAD + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
    "chunks": sends(HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
    "chunks that are cut": sends(HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nab"),
    "no length": sends(HEAD + b"\r\n" + BODY),
    "the old version": sends(HEAD.replace(b"1.1", b"1.0") + LENGTH + b"\r\n" + BODY),
    "an answer before the answer": sends(b"HTTP/1.1 103 Early Hints\r\n\r\n" + HEAD + LENGTH + b"\r\n" + BODY),
    "no body at all": sends(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"),
    "a part": sends(HEAD.replace(b"200 OK", b"206 Partial") + LENGTH + b"\r\n" + BODY),
    "a failure with a text": sends(HEAD.replace(b"200 OK", b"503 Busy") + b"Content-Length: 4\r\n\r\nbusy"),
    "too much": sends(HEAD + b"Content-Length: %d\r\n\r\n" % (2 * MOST_BYTES), *(BODY for _ in range(20))),
}


def target(server: Loopback, scheme: str = "http") -> LinkTarget:
    origin = server.origin.replace("http", scheme)
    return check_public_link(f"{origin}/song", [origin])


def outcome(server: Loopback, scheme: str = "http") -> tuple[object, ...]:
    """What a caller gets: the bytes, and the error after them."""
    found, status = b"", None
    timeout = httpx.Timeout(10)
    with guarded_client(
        target(server, scheme), time.monotonic() + 30, MOST_BYTES, timeout, transport.resolve
    ) as client:
        try:
            with client.stream("GET", f"{server.origin.replace('http', scheme)}/song") as response:
                status = response.status_code
                for piece in response.iter_raw():
                    found += piece
        except httpx.HTTPError as error:
            # How much came before a reset is chance.
            return status, len(found) if isinstance(error, httpx.RemoteProtocolError) else None, type(error)
    return status, found


@pytest.mark.parametrize("name", ANSWERS)
def test_a_body_ends_as_if_h11_had_read_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(ANSWERS[name]) as server:
        found = outcome(server)
        monkeypatch.setattr(transport, "_length", lambda *_: None)
        assert found == outcome(server)


def test_a_whole_body_comes_whole_and_a_cut_one_is_cut() -> None:
    with listening(ANSWERS["head, then body"], ANSWERS["cut later"], ANSWERS["too much"]) as server:
        assert outcome(server) == (200, BODY)
        assert outcome(server) == (200, len(BODY) - 1, httpx.RemoteProtocolError)
        assert outcome(server) == (200, None, BodyOutOfBoundsError)


def test_h11_sees_the_head_and_what_came_with_it_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = 0
    receive: Callable[[h11.Connection, bytes], None] = h11.Connection.receive_data

    def count(connection: h11.Connection, data: bytes) -> None:
        nonlocal seen
        seen += len(data)
        receive(connection, data)

    monkeypatch.setattr(h11.Connection, "receive_data", count)
    with listening(ANSWERS["head, then body"]) as server:
        assert outcome(server) == (200, BODY)
    # httpcore reads 64 KiB at once, at most one read for the head and one for the first piece.
    assert 0 < seen <= 2 * 65_536 < len(BODY)


def test_the_same_holds_inside_tls(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    tls = certificate_for("127.0.0.1", path)
    with vouched_for(path, monkeypatch), listening(*ANSWERS.values(), tls=tls) as server:
        found = {name: outcome(server, "https") for name in ANSWERS}
    with vouched_for(path, monkeypatch), listening(*ANSWERS.values(), tls=tls) as server:
        monkeypatch.setattr(transport, "_length", lambda *_: None)
        assert found == {name: outcome(server, "https") for name in ANSWERS}
