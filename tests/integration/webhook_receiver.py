"""Somebody who receives webhooks on this machine, and answers each path in its own way."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from standardwebhooks.webhooks import Webhook

ANSWERS: Final[Mapping[str, int]] = {"busy": 503, "redirect": 302, "gone": 410}
"""By the first part of a path; every other path is answered with 204."""


@dataclass(frozen=True)
class Received:
    """One post, as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def signatures(self) -> list[str]:
        return self.headers["webhook-signature"].split(" ")

    def verified(self, secret: str) -> dict[str, Any]:
        """What a receiver reads who has this secret; raises where the signature is not for it."""
        return dict(Webhook(secret).verify(self.body, dict(self.headers)))


@dataclass
class Receiver:
    """A listening receiver and what it got."""

    origin: str
    posts: list[Received] = field(default_factory=list)

    def at(self, path: str) -> list[Received]:
        return [post for post in self.posts if post.path == path]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Listen on a free port of this machine."""
    receiver = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.posts.append(
                Received(self.path, {name.lower(): each for name, each in self.headers.items()}, body)
            )
            self.send_response(ANSWERS.get(self.path.partition("?")[0].split("/")[1], 204))
            self.send_header("Location", f"{receiver.origin}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.origin = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()
