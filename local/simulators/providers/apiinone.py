"""The dialect of API in One: a paid POST returns a task id, two routes return the task's state, and a suno order makes
two songs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import ClassVar, Final
from urllib.parse import parse_qs, unquote
from uuid import uuid4

from local.simulators.call_limits import Busy
from local.simulators.faults import Fault, FaultKind, FaultRow
from local.simulators.hints import HINTS
from local.simulators.http.exchange import Answer, RefusedError, Request, json_answer
from local.simulators.http.network_faults import network_rows
from local.simulators.providers import callbacks
from local.simulators.providers.apiinone_request import SUNO, BadOrderError, MusicOrder, read_music_order
from local.simulators.providers.dialect import Backend, Label, Route, Visit, top_level_label
from local.simulators.recording import Song

PATH: Final = "/api/v1/audio/music"
FEED_PATH: Final = f"{PATH}/feed"
TASK_PATH: Final = "/api/v1/tasks/"
MESSAGES: Final[Mapping[int, str]] = {
    400: "Invalid parameters",
    401: "Invalid API key",
    402: "Insufficient credits",
    404: "Task not found",
    429: "Too many requests",
}
_FIRST_SHARE: Final = 0.5
_KIND: Final = "task"


@dataclass(frozen=True)
class Task:
    """One order in progress; `created_at` is an instant of the backend's clock."""

    id: str
    order: MusicOrder
    created_at: float


class ApiinoneDialect:
    """API in One, `minimax-music` and the suno models."""

    provider: ClassVar[str] = "apiinone"
    fault_rows: ClassVar[tuple[FaultRow, ...]] = (
        FaultRow(FaultKind.CODE, ("create", "poll"), "code and message inside HTTP 200", "no"),
        *network_rows("create", "poll", "file"),
        FaultRow(FaultKind.DIRECT, ("create",), "a link to the song instead of a task", "yes"),
        FaultRow(FaultKind.NOT_AUDIO, ("file",), "a linked file that is text", "-"),
        FaultRow(FaultKind.LINK, ("poll",), "a first link that points elsewhere, once the songs are complete", "-"),
        FaultRow(FaultKind.LINK_EXPIRED, ("file",), "403 on a link that is too old; the next poll has a new one", "-"),
        FaultRow(
            FaultKind.STATUS_WORD, ("poll", "create"), "any other word as status, of the task and of its songs", "yes"
        ),
        FaultRow(FaultKind.HINT, ("create", "poll"), "fields addressed to software agents", "yes"),
        *callbacks.FAULT_ROWS,
    )

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lock = Lock()
        self._tasks = {
            task_id: Task(task_id, read_music_order(kept["order"]), backend.calendar.instant(kept["created"]))
            for task_id, kept in backend.memory.saved(_KIND).items()
        }

    def routes(self) -> tuple[Route, ...]:
        """The create route and both poll routes."""
        return (
            Route("create", "POST", re.compile(PATH), self._receive_create),
            Route("poll", "GET", re.compile(f"{TASK_PATH}[^/]+"), self._receive_poll),
            Route("poll", "GET", re.compile(FEED_PATH), self._receive_feed),
        )

    def label(self, body: object) -> Label:
        """The label is a suno order's style or description, or the prompt of any other order."""
        label = top_level_label(body)
        if not isinstance(body, dict) or not (label.model or "").startswith(SUNO):
            return label
        texts = (body.get("gpt_description_prompt"), body.get("style"))
        return Label(label.model, next((text for text in texts if isinstance(text, str) and text), None))

    def error(self, status: int, path: str) -> Answer:  # noqa: ARG002 - other providers repeat the path
        """A code, a message and no data; an error object for a wrong key."""
        return _error(status)

    def busy(self, busy: Busy, path: str) -> Answer:  # noqa: ARG002 - 429 stands for every limit
        """HTTP 429, which the provider returns for all limits."""
        return self.error(429, path)

    def forget(self) -> None:
        """Drop every task."""
        self._backend.memory.drop(_KIND)
        with self._lock:
            self._tasks.clear()

    def _receive_create(self, request: Request) -> Visit:
        if request.bearer != self._backend.key:
            raise RefusedError(_error(401))
        try:
            order = read_music_order(request.json())
        except BadOrderError as error:
            raise RefusedError(_error(400, str(error))) from error
        except ValueError as error:
            raise RefusedError(_error(400, "body: expected JSON")) from error
        return Visit(order.label, lambda fault: self._create(order, fault), order.usd)

    def _create(self, order: MusicOrder, fault: Fault | None) -> Answer:
        if fault is not None and fault.kind is FaultKind.CODE:
            return json_answer(200, _error_body(int(fault.argument)))
        if fault is not None and fault.kind is FaultKind.DIRECT:
            link = {"audio_url": self._backend.links.mint(order.songs[0])}
            return json_answer(200, link, after_s=self._backend.latency_s, charged=True)
        task = Task(f"n74{uuid4().hex}", order, self._backend.clock())
        kept = {"order": order.as_json(), "created": self._backend.calendar.date(task.created_at)}
        self._backend.memory.save(_KIND, task.id, kept)
        with self._lock:
            self._tasks[task.id] = task
        accepted, *stages = (self._stage(task, share) for share in (0.0, _FIRST_SHARE, 1.0))
        self._backend.callbacks.announce(order.callback_url, order.label, accepted, stages)
        data = {"task_id": task.id, "status": _word("IN_PROGRESS", fault)}
        return json_answer(200, _success(data, fault), charged=True)

    def _receive_poll(self, request: Request) -> Visit:
        return self._visit(request, unquote(request.path.removeprefix(TASK_PATH)))

    def _receive_feed(self, request: Request) -> Visit:
        return self._visit(request, parse_qs(request.query).get("task_id", [""])[0])

    def _visit(self, request: Request, task_id: str) -> Visit:
        if request.bearer is None:
            raise RefusedError(_error(401))
        with self._lock:
            task = self._tasks.get(task_id)
        is_known = request.bearer == self._backend.key
        if task is None or not is_known:
            # Any other key polls a task that is there as another account does, and is wrong otherwise.
            raise RefusedError(_error(404 if is_known or task else 401))
        done = self._elapsed_share(task) >= 1
        deaf_to = frozenset[FaultKind]() if done else frozenset({FaultKind.LINK})
        return Visit(task.order.label, lambda fault: self._poll(task, fault), deaf_to=deaf_to)

    def _elapsed_share(self, task: Task) -> float:
        elapsed = self._backend.clock() - task.created_at
        return elapsed / self._backend.latency_s if self._backend.latency_s else 1.0

    def _poll(self, task: Task, fault: Fault | None) -> Answer:
        if fault is not None and fault.kind is FaultKind.CODE:
            return json_answer(200, _error_body(int(fault.argument)))
        return json_answer(200, self._document(task, self._elapsed_share(task), fault))

    def _stage(self, task: Task, share: float) -> callbacks.Stage:
        return callbacks.Stage(share * self._backend.latency_s, lambda: self._document(task, share))

    def _document(self, task: Task, share: float, fault: Fault | None = None) -> dict[str, object]:
        word = "SUCCESS" if share >= 1 else "FIRST" if share >= _FIRST_SHARE else "IN_PROGRESS"
        visible = task.order.songs if share >= _FIRST_SHARE else ()
        status = _word("complete" if share >= 1 else "first", fault)
        songs = [self._song(song, number, status, done=share >= 1) for number, song in enumerate(visible, 1)]
        if fault is not None and fault.kind is FaultKind.LINK:
            songs[0]["audio_url"] = fault.argument
        return _success({"type": _word(word, fault), "response_data": songs}, fault)

    def _song(self, song: Song, number: int, status: str, *, done: bool) -> dict[str, object]:
        # In a song's first stage, its link does not lead to a finished song yet.
        recording = self._backend.recordings.of(song)
        return {
            "id": f"song_{number}",
            "audio_url": self._backend.links.mint(song, genuine=done),
            "image_url": f"https://images.example.com/song_{number}.png",
            "video_url": f"https://videos.example.com/song_{number}.mp4",
            "status": status,
            "title": f"song {number}",
            "duration": round(recording.duration_ms / 1000),
            "fail_message": "",
        }


def _word(word: str, fault: Fault | None) -> str:
    return fault.argument if fault is not None and fault.kind is FaultKind.STATUS_WORD else word


def _success(data: Mapping[str, object], fault: Fault | None) -> dict[str, object]:
    hints = HINTS if fault is not None and fault.kind is FaultKind.HINT else {}
    return {"code": 200, "message": "success", "data": data, **hints}


def _error(status: int, reason: str | None = None) -> Answer:
    if status == 401:
        return json_answer(401, {"error": {"message": MESSAGES[401]}})
    return json_answer(status, _error_body(status, reason))


def _error_body(code: int, reason: str | None = None) -> dict[str, object]:
    message = MESSAGES.get(code, f"error {code}")
    return {"code": code, "message": f"{message}: {reason}" if reason else message, "data": None}
