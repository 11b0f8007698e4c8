"""A small Fermata behind httpx's own seam, for tests of the client: it keeps what was bought, and breaks on cue."""

import hashlib
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import anyio
import httpx

from fermata_client import AsyncFermata, Clock, Fermata, Retries

BASE_URL: Final = "https://api.example.com"
API_KEY: Final = "fk_abcdefgh_secretsecretsecret"
NOON: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
SONG: Final = bytes(range(256)) * 40
JOB_ID: Final = "job_01M7YH6Z0CE2E33SRX04YDPZZK"

Serve = Callable[[httpx.Request], httpx.Response]
Cue = Callable[[httpx.Request, Serve], httpx.Response]
"""What happens to one request instead: it may serve it first, or never."""


@dataclass
class Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that may break in the middle."""

    pieces: list[bytes]
    then: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces
        if self.then:
            raise self.then

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


def say(status: int, body: object = None, **headers: str) -> Cue:
    """Answer with JSON, whatever was asked."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request, _serve: httpx.Response(status, json=body, headers=named)


def say_html(status: int, **headers: str) -> Cue:
    """Answer as a proxy does."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request, _serve: httpx.Response(status, html="<html><title>Sign in</title></html>", headers=named)


def problem(status: int, code: str, headers: dict[str, str] | None = None, **members: object) -> Cue:
    """Refuse with a problem document."""
    body = {
        "type": f"urn:fermata:problem:{code}",
        "title": code.replace("_", " "),
        "status": status,
        "detail": f"the detail of {code}",
        "errors": [],
        "retryable": status >= 429,
        "charged": "no",
        "request_id": "req-1",
        **members,
    }
    kind = {"Content-Type": "application/problem+json", **(headers or {})}
    return lambda _request, _serve: httpx.Response(status, content=json.dumps(body).encode(), headers=kind)


def answer(status: int, *pieces: bytes, **headers: str) -> Cue:
    """Send these bytes, one piece after the other."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request, _serve: httpx.Response(status, headers=named, stream=Pieces(list(pieces)))


def lose(request: httpx.Request, serve: Serve) -> httpx.Response:
    """Do what is asked; the answer is lost."""
    serve(request)
    raise httpx.ReadError("connection reset by peer", request=request)


def unreachable(request: httpx.Request, _serve: Serve) -> httpx.Response:
    """Refuse the connection."""
    raise httpx.ConnectError("connection refused", request=request)


def cut_after(size: int) -> Cue:
    """Send so many bytes of a file's range, then lose the connection."""

    def cut(request: httpx.Request, serve: Serve) -> httpx.Response:
        whole = serve(request)
        error = httpx.RemoteProtocolError("peer closed connection", request=request)
        headers = dict(whole.headers)
        return httpx.Response(whole.status_code, headers=headers, stream=Pieces([whole.content[:size]], error))

    return cut


def _as_stream(response: httpx.Response) -> httpx.Response:
    """The same, not read yet, as answers from a network are."""
    if isinstance(response.stream, Pieces):
        return response
    return httpx.Response(response.status_code, headers=response.headers, stream=Pieces([response.content]))


@dataclass
class FakeFermata:
    """One account. A job passes through `states`, one at each look; `cues` are for the next requests, in their order,
    and `file_cues` for those of files. Time stands still but for the client's pauses.
    """

    states: list[str] = field(default_factory=lambda: ["queued", "generating", "succeeded"])
    song: bytes = SONG
    error: dict[str, object] | None = None
    cues: deque[Cue] = field(default_factory=deque)
    file_cues: deque[Cue] = field(default_factory=deque)
    requests: list[httpx.Request] = field(default_factory=list)
    bought: dict[str, dict[str, Any]] = field(default_factory=dict)
    pauses: list[float] = field(default_factory=list)
    links: int = 0
    canceled: bool = False
    clock_off_s: float = 0

    def sync(self, **settings: Any) -> Fermata:  # noqa: ANN401 - the client's own arguments
        """A client that blocks."""
        http = httpx.Client(transport=httpx.MockTransport(self._serve))
        made = {"api_key": API_KEY, "base_url": BASE_URL, "clock": self.clock(), **settings}
        return Fermata(http=http, sleep=self.pauses.append, **made)

    def awaited(self, **settings: Any) -> AsyncFermata:  # noqa: ANN401 - the client's own arguments
        """A client to await."""
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._serve))
        made = {"api_key": API_KEY, "base_url": BASE_URL, "clock": self.clock(), **settings}

        async def sleep(seconds: float) -> None:
            self.pauses.append(seconds)
            await anyio.lowlevel.checkpoint()

        return AsyncFermata(http=http, sleep=sleep, **made)

    def clock(self) -> Clock:
        """A clock that only pauses move."""
        keys = iter(f"key-{number}" for number in range(1_000))
        return Clock(
            wall=lambda: NOON.timestamp() + self.slept_s + self.clock_off_s,
            monotonic=lambda: self.slept_s,
            chance=lambda: 0.0,
            new_key=lambda: next(keys),
        )

    @property
    def slept_s(self) -> float:
        """How long the client has paused."""
        return sum(self.pauses)

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [f"{request.method} {request.url.path}" for request in self.requests]

    def _serve(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        cues = self.file_cues if request.url.host == "files.example.com" else self.cues
        made = cues.popleft()(request, self._answer) if cues else self._answer(request)
        made = _as_stream(made) if cues is self.file_cues else made
        made.headers["Date"] = (NOON + timedelta(seconds=self.slept_s)).strftime("%a, %d %b %Y %H:%M:%S GMT")
        return made

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "files.example.com":
            return self._file(request)
        path = request.url.path
        if (request.method, path) == ("POST", "/v1/jobs"):
            return httpx.Response(202, json=self._order(request), headers={"Retry-After": "2"})
        if path == f"/v1/jobs/{JOB_ID}/cancel":
            return self._cancel(request)
        if (request.method, path) == ("GET", f"/v1/jobs/{JOB_ID}"):
            state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
            open_still = state in {"queued", "submitting", "generating", "storing"}
            return httpx.Response(200, json=self.job(state), headers={"Retry-After": "2"} if open_still else {})
        return problem(404, "not_found")(request, self._answer)

    def _order(self, request: httpx.Request) -> dict[str, Any]:
        key = request.headers["Idempotency-Key"]
        body = json.loads(request.content)
        return self.bought.setdefault(key, {**self.job("queued"), "model": body["model"]})

    def _cancel(self, request: httpx.Request) -> httpx.Response:
        if self.canceled:
            return problem(409, "already_finished")(request, self._answer)
        self.canceled, self.states = True, ["canceled"]
        return httpx.Response(200, json=self.job("canceled"))

    def job(self, status: str) -> dict[str, Any]:
        """The job as the API shows it."""
        finished = status in {"succeeded", "failed", "canceled", "expired"}
        address = f"{BASE_URL}/v1/jobs/{JOB_ID}"
        return {
            "id": JOB_ID,
            "object": "job",
            "status": status,
            "kind": "song",
            "model": "minimax/music-2.5",
            "created_at": NOON.isoformat(),
            "updated_at": NOON.isoformat(),
            "finished_at": (NOON + timedelta(seconds=8)).isoformat() if finished else None,
            "charged": {"succeeded": "yes"}.get(status, "refunded") if finished else "held",
            "price_credits": 30,
            "spent_credits": 30 if status == "succeeded" else 0,
            "estimate": None
            if finished
            else {"p50_s": 8, "p80_s": 16, "ready_at": (NOON + timedelta(seconds=8)).isoformat()},
            "tracks": [self.track()] if status == "succeeded" else [],
            "error": self.error if status == "failed" else None,
            "urls": {"self": address, "cancel": None, "audio": f"{address}/audio", "live": None},
        }

    def track(self) -> dict[str, Any]:
        """The track with a link of its own at each look."""
        self.links += 1
        return {
            "number": 1,
            "url": f"https://files.example.com/1.mp3?signature={self.links}",
            "url_expires_at": (NOON + timedelta(minutes=15)).isoformat(),
            "expires_at": (NOON + timedelta(days=365)).isoformat(),
            "content_type": "audio/mpeg",
            "bytes": len(self.song),
            "sha256": hashlib.sha256(self.song).hexdigest(),
            "source_sha256": hashlib.sha256(self.song).hexdigest(),
            "marks": [],
            "duration_ms": 6034,
            "sample_rate_hz": 44100,
            "channels": 2,
            "bitrate_bps": 256000,
            "subtitles_url": None,
            "subtitles_vtt_url": None,
        }

    def _file(self, request: httpx.Request) -> httpx.Response:
        begin = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        headers = {"Content-Type": "audio/mpeg"}
        if not begin:
            return httpx.Response(200, content=self.song, headers=headers)
        headers["Content-Range"] = f"bytes {begin}-{len(self.song) - 1}/{len(self.song)}"
        return httpx.Response(206, content=self.song[begin:], headers=headers)


def few_retries() -> Retries:
    """Three requests, with pauses of 1 and 2 seconds."""
    return Retries(attempts=3, first_pause_s=1)
