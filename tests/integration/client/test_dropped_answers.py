"""A server that drops its answers at every byte: over real sockets, an order is bought once and a file is whole."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import anyio
import pytest

from fermata_client import AsyncFermata, Fermata, Retries, errors
from tests.fakes.client.fake_fermata import API_KEY, JOB_ID, FakeFermata
from tests.support.loopback import Loopback, listening

QUICK: Final = Retries(attempts=3, first_pause_s=0)


def _no_sleep(_seconds: float) -> None:
    """Pauses are tested elsewhere."""


@dataclass
class Dropping:
    """A Fermata that sends `drop_at` bytes of each first answer to an order, and every second answer whole."""

    fake: FakeFermata = field(default_factory=lambda: FakeFermata(states=["succeeded"]))
    server: Loopback = field(default_factory=lambda: Loopback(0))
    drop_at: int = 0
    reset: bool = False
    orders: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[Loopback]:
        """Serve on a free port."""
        with listening(self._answer) as self.server:
            yield self.server

    def _answer(self, connection: socket.socket) -> None:
        request = self.server.requests[-1]
        if request.startswith(b"POST /v1/jobs "):
            self._order(request, connection)
        elif request.startswith(b"GET /v1/jobs/"):
            connection.sendall(self.raw(self._job()))
        else:
            self._file(request, connection)

    def raw(self, body: bytes, status: str = "200 OK") -> bytes:
        """An answer as it goes over the wire."""
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return f"{head}Connection: close\r\n\r\n".encode() + body

    def order_answer(self) -> bytes:
        """The whole answer to an order."""
        return self.raw(json.dumps(FakeFermata().job("queued")).encode(), "202 Accepted")

    def _order(self, request: bytes, connection: socket.socket) -> None:
        (key,) = re.findall(rb"(?i)idempotency-key: (\S+)", request)
        is_first = key.decode() not in self.orders
        self.orders.append(key.decode())
        answer = self.order_answer()
        connection.sendall(answer[: self.drop_at] if is_first else answer)
        if is_first and self.reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    def _job(self) -> bytes:
        return json.dumps(self.fake.job("succeeded")).replace("https://files.example.com", self.server.origin).encode()

    def _file(self, request: bytes, connection: socket.socket) -> None:
        found = re.search(rb"(?i)range: bytes=(\d+)-", request)
        begin, song = int(found[1]) if found else 0, self.fake.song
        self.ranges.append(f"{begin}-")
        status = f"206 Partial\r\nContent-Range: bytes {begin}-{len(song) - 1}/{len(song)}" if begin else "200 OK"
        answer = self.raw(song[begin:], status)
        connection.sendall(answer[: self.drop_at] if len(self.ranges) % 2 else answer)


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_an_order_whose_answer_is_dropped_at_any_byte_is_bought_once(reset: bool) -> None:
    dropping = Dropping(reset=reset)
    with dropping.listening() as server, Fermata(API_KEY, server.origin, retries=QUICK, sleep=_no_sleep) as client:
        for size in range(len(dropping.order_answer())):
            dropping.drop_at = size
            assert client.submit("auto", prompt="a").id == JOB_ID

    assert len(set(dropping.orders)) == len(dropping.order_answer())
    assert dropping.orders == [key for key in dict.fromkeys(dropping.orders) for _ in range(2)]
    assert API_KEY.encode() in server.requests[0]


def test_an_awaited_order_whose_answer_is_dropped_at_any_byte_is_bought_once() -> None:
    dropping = Dropping()

    async def order(origin: str) -> None:
        async with AsyncFermata(API_KEY, origin, retries=QUICK) as client:
            for size in range(0, len(dropping.order_answer()), 7):
                dropping.drop_at = size
                assert (await client.submit("auto", prompt="a")).id == JOB_ID

    with dropping.listening() as server:
        anyio.run(order, server.origin)

    assert dropping.orders == [key for key in dict.fromkeys(dropping.orders) for _ in range(2)]


def test_a_file_whose_answer_is_dropped_at_any_byte_is_whole(tmp_path: Path) -> None:
    dropping = Dropping(FakeFermata(states=["succeeded"], song=bytes(range(256))))
    with dropping.listening() as server, Fermata(API_KEY, server.origin, retries=QUICK, sleep=_no_sleep) as client:
        handle = client.job(JOB_ID)
        handle.wait()
        for size in range(len(dropping.raw(dropping.fake.song))):
            dropping.drop_at = size
            dropping.ranges.clear()
            saved = handle.tracks[0].save(tmp_path / "song.mp3")
            assert saved.read_bytes() == dropping.fake.song
            assert dropping.ranges == ["0-", f"{max(0, dropping.drop_at - _head(dropping))}-"]

    assert [path.name for path in tmp_path.iterdir()] == ["song.mp3"]
    files = [request for request in server.requests if not request.startswith((b"GET /v1/", b"POST"))]
    assert not [request for request in files if API_KEY.encode() in request]


def _head(dropping: Dropping) -> int:
    return len(dropping.raw(dropping.fake.song)) - len(dropping.fake.song)


def test_an_address_at_which_nobody_listens_is_a_network_error() -> None:
    with listening() as server:
        pass
    with (
        Fermata(API_KEY, server.origin, retries=QUICK, sleep=_no_sleep) as client,
        pytest.raises(errors.NetworkError, match="look at the network and at the base URL") as gone,
    ):
        client.account()

    assert not gone.value.sent
