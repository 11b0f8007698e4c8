"""A provider that takes suno orders and leaves it to the test when a song is done and what is posted to its address."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Final

import httpx

from tests.integration.cloud_process import PATIENCE_S
from tests.integration.song import TLS
from tests.songs import wav_file

_CREATE: Final = "/api/v1/audio/music"
_FILE: Final = "/files/song.wav"


class SunoProvider:
    """Every order is one task; `done` lets all of them be finished, `polls` counts the looks at each."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.done = False
        self.orders: list[dict[str, Any]] = []
        self.polls: dict[str, int] = {}
        self.lock = Lock()

    def task(self, prompt: str) -> str:
        """The task of the order with this style."""
        (number,) = [number for number, order in enumerate(self.orders) if order.get("style") == prompt]
        return f"task-{number}"

    def looks(self, prompt: str) -> int:
        """How often the task of this order was polled."""
        return self.polls.get(self.task(prompt), 0)

    def address(self, prompt: str) -> str:
        """Where the order with this style is to be called back."""
        return str(self.order(prompt)["callback_url"])

    def order(self, prompt: str) -> dict[str, Any]:
        """The body of the order with this style."""
        (order,) = [order for order in self.orders if order.get("style") == prompt]
        return order

    def call_back(self, prompt: str, body: bytes = b"", content_type: str = "application/json") -> httpx.Response:
        """Post to an order's address."""
        return httpx.post(
            self.address(prompt), content=body, headers={"Content-Type": content_type}, timeout=PATIENCE_S, verify=TLS
        )

    def created(self, order: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            self.orders.append(order)
            return {"code": 200, "data": {"task_id": f"task-{len(self.orders) - 1}", "status": "IN_PROGRESS"}}

    def polled(self, task: str) -> dict[str, Any]:
        with self.lock:
            self.polls[task] = self.polls.get(task, 0) + 1
        songs = [{"audio_url": f"{self.origin}{_FILE}", "status": "complete"}] if self.done else []
        return {"code": 200, "data": {"type": "SUCCESS" if self.done else "FIRST", "response_data": songs}}


@contextmanager
def suno_provider() -> Iterator[SunoProvider]:
    """Serve such a provider on a free loopback port."""
    song = wav_file(3)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(json.dumps(provider.created(order)).encode(), "application/json")

        def do_GET(self) -> None:
            if self.path == _FILE:
                self._answer(song, "audio/wav")
            else:
                answer = provider.polled(self.path.rpartition("/")[2])
                self._answer(json.dumps(answer).encode(), "application/json")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it so)
            """Say nothing."""

        def _answer(self, body: bytes, content_type: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = SunoProvider(f"http://127.0.0.1:{server.server_address[1]}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
