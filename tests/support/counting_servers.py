"""A server of songs and one that takes what is put into S3, both on loopback, both count what passes through them.

In a thread of a test, or as a process of its own: `python -m tests.support.counting_servers source FILE...` serves each
file under its name, `python -m tests.support.counting_servers sink` takes objects. Both print their address, and answer
`GET /counts` with what passed, which does not count itself.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

_BLOCK_BYTES: Final = 1024 * 1024


@dataclass
class Counts:
    """The requests that came, as `METHOD path`, and the bytes of bodies in each direction."""

    requests: list[str] = field(default_factory=list)
    received_bytes: int = 0
    sent_bytes: int = 0


class CountingServer(ThreadingHTTPServer):
    """A server with its counts. With `keeps`, `bodies` and `heads` hold what came, by path."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, handler: type[BaseHTTPRequestHandler], *, keeps: bool) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.counts = Counts()
        self.keeps = keeps
        self.bodies: dict[str, bytes] = {}
        self.heads: dict[str, Mapping[str, str]] = {}
        self.refuses: list[HTTPStatus] = []
        """The statuses that the next requests with a body get, after it was read."""

    @property
    def origin(self) -> str:
        """The address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Counted(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: CountingServer

    def log_message(self, *_: object) -> None:
        """Nothing is printed: it would cost time."""

    def answer(self, status: HTTPStatus, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer_counts(self) -> None:
        self.answer(HTTPStatus.OK, json.dumps(asdict(self.server.counts)).encode())


def source_of(songs: Mapping[str, Path]) -> type[_Counted]:
    """What serves each song under its name."""

    class Source(_Counted):
        def do_GET(self) -> None:
            if self.path == "/counts":
                self.answer_counts()
                return
            song = songs[self.path.removeprefix("/")]
            size = song.stat().st_size
            self.server.counts.requests.append(f"GET {self.path}")
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "audio/mpeg")
            self.send_header("Content-Length", str(size))
            self.end_headers()
            self.wfile.flush()
            with song.open("rb") as file:
                self.server.counts.sent_bytes += self.connection.sendfile(file)

    return Source


class Sink(_Counted):
    """Takes objects as S3 does, and looks at none of their bytes."""

    def do_PUT(self) -> None:
        taken = bytearray()
        for piece in self._body():
            self.server.counts.received_bytes += len(piece)
            if self.server.keeps:
                taken += piece
        self.server.counts.requests.append(f"PUT {self.path}")
        if self.server.refuses:
            self.answer(self.server.refuses.pop(0))
            return
        self.server.bodies[self.path], self.server.heads[self.path] = bytes(taken), dict(self.headers)
        self.answer(HTTPStatus.OK, ETag='"0123456789abcdef0123456789abcdef"')

    def do_GET(self) -> None:
        if self.path == "/counts":
            self.answer_counts()
            return
        self.server.counts.requests.append(f"GET {self.path}")
        self.answer(HTTPStatus.NOT_FOUND)

    def _body(self) -> Iterator[memoryview]:
        block = memoryview(bytearray(_BLOCK_BYTES))
        left = int(self.headers["Content-Length"])
        while left:
            count = self.rfile.readinto(block[: min(left, len(block))])
            if not count:
                return
            left -= count
            yield block[:count]


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], *, keeps: bool = False) -> Iterator[CountingServer]:
    """Serve from a thread of this process."""
    server = CountingServer(handler, keeps=keeps)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main(kind: str, *files: str) -> None:
    """Serve until this process's input ends."""
    kinds: dict[str, Callable[[], Any]] = {
        "source": lambda: source_of({Path(each).name: Path(each) for each in files}),
        "sink": lambda: Sink,
    }
    with serving(kinds[kind]()) as server:
        sys.stdout.write(f"{server.origin}\n")
        sys.stdout.flush()
        sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
