"""Callbacks that a provider posts to an order's URL, one per stage of its task, with faults on request."""

import http.client
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread, current_thread
from typing import Final
from urllib.parse import urlsplit

from pydantic_core import to_json

from local.simulators.bill import prompt_sha256
from local.simulators.faults import Fault, FaultKind, FaultRow
from local.simulators.request_log import RequestLog

POST_LIMIT_S: Final = 5.0
_STOP_S: Final = 3.0
_HERE: Final = frozenset({"127.0.0.1", "localhost"})
_FORGED: Final[dict[str, object]] = {
    "code": 200,
    "data": {"type": "SUCCESS", "response_data": [{"audio_url": "https://forged.example.com/song.mp3"}]},
}
FAULT_ROWS: Final = (
    FaultRow(FaultKind.CALLBACK_LOST, ("callback",), "a callback that never arrives", "-"),
    FaultRow(FaultKind.CALLBACK_TWICE, ("callback",), "every callback sent twice", "-"),
    FaultRow(FaultKind.CALLBACK_EARLY, ("callback",), "one more callback, before the create is answered", "-"),
    FaultRow(FaultKind.CALLBACK_FORGED, ("callback",), "one more callback, which claims a song that is not there", "-"),
)

Send = Callable[[str, bytes], int | None]
"""Posts a body to a URL and returns the status of the answer, if any."""


@dataclass(frozen=True)
class Stage:
    """A callback `after_s` seconds after the create; `body` makes its body when it is posted."""

    after_s: float
    body: Callable[[], object]


class Callbacks:
    """Posts in daemon threads, and only to this machine; URLs are not logged."""

    def __init__(self, take: Callable[[str], Fault | None], log: RequestLog | None, send: Send) -> None:
        """`take` returns the waiting fault for the callbacks of an order with a prompt."""
        self._take, self._log, self._send = take, log, send
        self._lock = Lock()
        self._threads: set[Thread] = set()
        self._dropped = Event()

    def announce(self, url: str | None, prompt: str, accepted: Stage, stages: Sequence[Stage]) -> None:
        """Post the stages of a task, the earliest first, to an order's URL, if any; only a fault posts `accepted`."""
        if url is None:
            return
        fault = self._take(prompt)
        dropped = self._dropped
        post = _Post(url, prompt, fault, dropped)
        kind = fault.kind if fault else None
        if kind is FaultKind.CALLBACK_LOST:
            return
        if kind is FaultKind.CALLBACK_EARLY:
            self._post_logged(post, accepted.body())
        forged = [Stage(0.0, lambda: _FORGED)] if kind is FaultKind.CALLBACK_FORGED else []
        work = (post, [*forged, *stages])
        thread = Thread(target=self._post_stages, args=work, daemon=True, name="simulator callbacks")
        with self._lock:
            self._threads.add(thread)
        thread.start()

    def forget(self) -> None:
        """Stop the callbacks of all tasks so far."""
        self._dropped.set()
        self._dropped = Event()

    def stop(self) -> None:
        """Stop all callbacks and wait a moment for running ones."""
        self._dropped.set()
        deadline = time.monotonic() + _STOP_S
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _post_stages(self, post: "_Post", stages: Sequence[Stage]) -> None:
        begun = time.monotonic()
        for stage in stages:
            if post.dropped.wait(max(0.0, begun + stage.after_s - time.monotonic())):
                break
            body = stage.body()
            for _ in range(2 if post.fault and post.fault.kind is FaultKind.CALLBACK_TWICE else 1):
                self._post_logged(post, body)
        with self._lock:
            self._threads.discard(current_thread())

    def _post_logged(self, post: "_Post", body: object) -> None:
        begun = time.monotonic()
        status = self._send(post.url, to_json(body)) if urlsplit(post.url).hostname in _HERE else None
        if self._log is not None:
            self._log.write(
                method="POST",
                path="(callback)",
                status=status,
                ms=round((time.monotonic() - begun) * 1000),
                fault=post.fault.loggable if post.fault else None,
                prompt_sha256=prompt_sha256(post.prompt),
            )


@dataclass(frozen=True)
class _Post:
    url: str
    prompt: str
    fault: Fault | None
    dropped: Event


def post_over_http(url: str, body: bytes) -> int | None:
    """Post to an http URL; None without an answer within five seconds."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=POST_LIMIT_S)
    with suppress(OSError, http.client.HTTPException):
        try:
            connection.request("POST", parts.path, body, {"Content-Type": "application/json"})
            return connection.getresponse().status
        finally:
            connection.close()
    return None
