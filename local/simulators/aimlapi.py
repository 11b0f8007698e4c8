"""The dialect of the AIML API's task family: a paid POST answers with a task id, and polling leads to a link."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from threading import Lock
from typing import Annotated, ClassVar, Final, Literal
from urllib.parse import parse_qs
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from local.simulators.dialect import Backend, Label, Route, Visit, top_level_label
from local.simulators.exchange import Answer, RefusedError, Request, json_answer
from local.simulators.faults import Fault, FaultKind, FaultRow
from local.simulators.hints import HINTS
from local.simulators.network_faults import network_rows
from local.simulators.recording import Container, Song

PATH: Final = "/v2/generate/audio"
MODELS: Final = ("minimax/music-2.0",)
# The only amounts on record for this family.
CREDITS_USED: Final = 390_000
USD_SPENT: Final = Decimal("0.195")
MESSAGES: Final[Mapping[int, str]] = {
    400: "Invalid request",
    401: "Unauthorized",
    403: "You have run out of credits",
    404: "Not found",
    429: "Too many requests",
    504: "Generation timeout",
}
_QUEUED_SHARE: Final = 0.2


class AudioSetting(BaseModel):
    """`audio_setting` of this family: the rate has a name of its own here."""

    model_config = ConfigDict(extra="forbid", strict=True)

    audio_sample_rate: Literal[16000, 24000, 32000, 44100] = 44100
    bitrate: Literal[32000, 64000, 128000, 256000] = 256000
    format: Container = "mp3"


class GenerateRequest(BaseModel):
    """The body of a create; stricter than upstream in refusing unknown fields, so that a misspelt option is noticed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str
    prompt: Annotated[str, Field(min_length=10, max_length=2000)]
    lyrics: Annotated[str, Field(min_length=10, max_length=3000)]
    audio_setting: AudioSetting = AudioSetting()

    @property
    def song(self) -> Song:
        """The song that this request orders."""
        setting = self.audio_setting
        return Song(self.prompt, self.lyrics, setting.format, setting.audio_sample_rate, setting.bitrate)


@dataclass(frozen=True)
class Task:
    """One ordered song; `created_at` is an instant of the backend's clock."""

    id: str
    song: Song
    created_at: float


class AimlapiDialect:
    """AIML API, `minimax/music-2.0`."""

    provider: ClassVar[str] = "aimlapi"
    fault_rows: ClassVar[tuple[FaultRow, ...]] = (
        *network_rows("create", "poll", "file"),
        FaultRow(FaultKind.NOT_AUDIO, ("file",), "a linked file that is text", "-"),
        FaultRow(FaultKind.LINK, ("poll",), "a link that points elsewhere, once the song is completed", "-"),
        FaultRow(FaultKind.LINK_EXPIRED, ("file",), "403 on a link that is too old; the next poll has a new one", "-"),
        FaultRow(FaultKind.STATUS_WORD, ("poll", "create"), "any other word as status (error: with its reason)", "yes"),
        FaultRow(FaultKind.HINT, ("create", "poll"), "fields addressed to software agents", "yes"),
    )

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lock = Lock()
        self._tasks: dict[str, Task] = {}

    def routes(self) -> tuple[Route, ...]:
        """Create and poll share one path."""
        path = re.compile(PATH)
        return Route("create", "POST", path, self._receive_create), Route("poll", "GET", path, self._receive_poll)

    def label(self, body: object) -> Label:
        """`model` and `prompt` stand at the top level."""
        return top_level_label(body)

    def error(self, status: int, path: str) -> Answer:
        """The error shape of every AIML route."""
        return _error(status, path)

    def forget(self) -> None:
        """Drop every task."""
        with self._lock:
            self._tasks.clear()

    def _receive_create(self, request: Request) -> Visit:
        if request.bearer != self._backend.key:
            raise RefusedError(_error(401, request.path))
        try:
            order = GenerateRequest.model_validate(request.json())
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            reason = f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}"
            raise RefusedError(_error(400, request.path, reason)) from error
        except ValueError as error:
            raise RefusedError(_error(400, request.path, "body: expected JSON")) from error
        if order.model not in MODELS:
            raise RefusedError(_error(404, request.path, f"model: expected one of {', '.join(MODELS)}"))
        return Visit(order.prompt, lambda fault: self._create(order, fault), USD_SPENT)

    def _create(self, order: GenerateRequest, fault: Fault | None) -> Answer:
        task = Task(f"{uuid4()}:{order.model}", order.song, self._backend.clock())
        with self._lock:
            self._tasks[task.id] = task
        usage = {"credits_used": CREDITS_USED, "usd_spent": float(USD_SPENT)}
        body = {"id": task.id, **_status("queued", fault), "meta": {"usage": usage}}
        return json_answer(201, body, charged=True)

    def _receive_poll(self, request: Request) -> Visit:
        if request.bearer is None:
            raise RefusedError(_error(401, request.path))
        ids = parse_qs(request.query).get("generation_id")
        if not ids:
            raise RefusedError(_error(400, request.path, "generation_id: required"))
        with self._lock:
            task = self._tasks.get(ids[0])
        if task is None or request.bearer != self._backend.key:
            raise RefusedError(_error(404, request.path))
        word = self._word(task)
        deaf_to = frozenset[FaultKind]() if word == "completed" else frozenset({FaultKind.LINK})
        return Visit(task.song.prompt, lambda fault: self._poll(task, word, fault), deaf_to=deaf_to)

    def _word(self, task: Task) -> str:
        elapsed = self._backend.clock() - task.created_at
        if elapsed >= self._backend.latency_s:
            return "completed"
        return "queued" if elapsed < self._backend.latency_s * _QUEUED_SHARE else "generating"

    def _poll(self, task: Task, word: str, fault: Fault | None) -> Answer:
        body: dict[str, object] = {"id": task.id, **_status(word, fault)}
        if word == "completed":
            link = fault.argument if fault is not None and fault.kind is FaultKind.LINK else None
            body["audio_file"] = self._audio_file(task.song, link)
        return json_answer(200, body)

    def _audio_file(self, song: Song, link: str | None) -> dict[str, object]:
        size = len(self._backend.recordings.of(song).content)
        url = link or self._backend.links.mint(song)
        return {"url": url, "content_type": song.content_type, "file_size": size}


def _status(word: str, fault: Fault | None) -> dict[str, object]:
    if fault is not None and fault.kind is FaultKind.HINT:
        return {"status": word, **HINTS}
    if fault is None or fault.kind is not FaultKind.STATUS_WORD:
        return {"status": word}
    reason = {"name": "GenerationError", "message": "the song could not be made"}
    return {"status": fault.argument, **({"error": reason} if fault.argument == "error" else {})}


def _error(status: int, path: str, reason: str | None = None) -> Answer:
    message = MESSAGES.get(status, "Internal error")
    body = {
        "message": f"{message}: {reason}" if reason else message,
        "path": path,
        "requestId": str(uuid4()),
        # The vendor writes it as a number and, when it limits the rate, as a text.
        "statusCode": "429" if status == 429 else status,
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return json_answer(status, body)
