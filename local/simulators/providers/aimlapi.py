"""The dialect of the AIML API: tasks, whose paid POST returns an id and whose polls return a link, and the blocking
routes of music-01.
"""

import re
from dataclasses import asdict, dataclass
from threading import Lock
from typing import ClassVar, Final
from urllib.parse import parse_qs
from uuid import uuid4

from pydantic import ValidationError

from local.simulators.call_limits import Busy
from local.simulators.faults import Fault, FaultKind, FaultRow
from local.simulators.hints import HINTS
from local.simulators.http.exchange import Answer, RefusedError, Request, json_answer
from local.simulators.http.network_faults import network_rows
from local.simulators.providers.aimlapi_errors import aiml_error
from local.simulators.providers.aimlapi_music01 import Music01
from local.simulators.providers.aimlapi_request import TASK_MODELS, Body, SongBody, TaskModel
from local.simulators.providers.dialect import Backend, Label, Route, Visit, top_level_label
from local.simulators.providers.references import BadRecordingError, check_recording, is_on_this_machine
from local.simulators.providers.speech.aimlapi_speech import AimlapiSpeech
from local.simulators.recording import Song
from local.simulators.refusals import first_wrong_field

PATH: Final = "/v2/generate/audio"
_QUEUED_SHARE: Final = 0.2
_KIND: Final = "task"
# These do not apply to tasks; they belong to music-01, whose answer is the song.
_DEAF_TO: Final = frozenset(
    {
        FaultKind.CODE,
        FaultKind.STATUS1,
        FaultKind.ODD_HEX,
        FaultKind.UPPER_HEX,
        FaultKind.NOT_HEX,
        FaultKind.NOT_AUDIO,
        FaultKind.DIRECT,
    }
)


@dataclass(frozen=True)
class Task:
    """One ordered song; `created_at` is an instant of the backend's clock."""

    id: str
    song: Song
    created_at: float


class AimlapiDialect:
    """AIML API, every model."""

    provider: ClassVar[str] = "aimlapi"
    fault_rows: ClassVar[tuple[FaultRow, ...]] = (
        *network_rows("create", "poll", "upload", "file"),
        FaultRow(FaultKind.CODE, ("create", "upload"), "base_resp.status_code, music-01", "yes for 1001 and 1027"),
        FaultRow(FaultKind.STATUS1, ("create",), "data.status 1, still synthesising, music-01", "yes"),
        FaultRow(FaultKind.ODD_HEX, ("create",), "hex of odd length, music-01", "yes"),
        FaultRow(FaultKind.UPPER_HEX, ("create",), "hex in capitals (valid), music-01", "yes"),
        FaultRow(FaultKind.NOT_HEX, ("create",), "letters within hex, music-01", "yes"),
        FaultRow(FaultKind.NOT_AUDIO, ("file", "create"), "a linked file, or music-01's hex, that is text", "yes"),
        FaultRow(FaultKind.DIRECT, ("create",), "the file itself as the answer, speech", "yes"),
        FaultRow(FaultKind.LINK, ("poll", "create"), "a link that points elsewhere, once the song is completed", "yes"),
        FaultRow(FaultKind.LINK_EXPIRED, ("file",), "403 on a link that is too old; the next poll has a new one", "-"),
        FaultRow(FaultKind.STATUS_WORD, ("poll", "create"), "any other word as status (error: with its reason)", "yes"),
        FaultRow(FaultKind.HINT, ("create", "poll", "upload"), "fields addressed to software agents", "yes"),
    )

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lock = Lock()
        self._tasks = {
            task_id: Task(task_id, Song(**kept["song"]), backend.calendar.instant(kept["created"]))
            for task_id, kept in backend.memory.saved(_KIND).items()
        }
        self._music01 = Music01(backend)

    def routes(self) -> tuple[Route, ...]:
        """The routes; create and poll of a task share one path."""
        path = re.compile(PATH)
        return (
            Route("create", "POST", path, self._receive_create),
            Route("poll", "GET", path, self._receive_poll),
            *self._music01.routes(),
            *AimlapiSpeech(self._backend).routes(),
        )

    def label(self, body: object) -> Label:
        """`model` and `prompt` from the top level; music-01 has only lyrics."""
        label = top_level_label(body)
        words = body.get("lyrics") if isinstance(body, dict) and label.prompt is None else None
        return Label(label.model, words) if isinstance(words, str) else label

    def error(self, status: int, path: str) -> Answer:
        """The error shape of every AIML route."""
        return aiml_error(status, path)

    def busy(self, busy: Busy, path: str) -> Answer:  # noqa: ARG002 - 429 stands for every limit
        """HTTP 429, which the provider returns for all limits."""
        return self.error(429, path)

    def forget(self) -> None:
        """Drop every task and every recording."""
        self._backend.memory.drop(_KIND)
        with self._lock:
            self._tasks.clear()
        self._music01.forget()

    def _receive_create(self, request: Request) -> Visit:
        if request.bearer != self._backend.key:
            raise RefusedError(aiml_error(401, request.path))
        order, model = _read_order(request)
        self._check_recording(order, request.path)
        deaf_to = _DEAF_TO | {FaultKind.LINK}
        return Visit(order.prompt, lambda fault: self._create(order, model, fault), model.usd_of(order), deaf_to)

    def _check_recording(self, order: SongBody, path: str) -> None:
        if order.recording is None:
            return
        try:
            # A link to another machine is accepted unchecked, because simulators make no external requests.
            if is_on_this_machine(order.recording):
                check_recording(self._backend.fetch(order.recording), order.rule)
        except BadRecordingError as error:
            raise RefusedError(aiml_error(400, path, f"reference_audio_url: {error}")) from error

    def _create(self, order: SongBody, model: TaskModel, fault: Fault | None) -> Answer:
        task = Task(f"{uuid4()}:{order.model}", order.song, self._backend.clock())
        kept = {"song": asdict(task.song), "created": self._backend.calendar.date(task.created_at)}
        self._backend.memory.save(_KIND, task.id, kept)
        with self._lock:
            self._tasks[task.id] = task
        body = {"id": task.id, **_status("queued", fault), "meta": {"usage": model.usage(order)}}
        return json_answer(201, body, charged=True)

    def _receive_poll(self, request: Request) -> Visit:
        if request.bearer is None:
            raise RefusedError(aiml_error(401, request.path))
        ids = parse_qs(request.query).get("generation_id")
        if not ids:
            raise RefusedError(aiml_error(400, request.path, "generation_id: required"))
        with self._lock:
            task = self._tasks.get(ids[0])
        is_known = request.bearer == self._backend.key
        if task is None or not is_known:
            # Any other key polls a task that is there as another account does, and is wrong otherwise.
            raise RefusedError(aiml_error(404 if is_known or task else 401, request.path))
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


def _read_order(request: Request) -> tuple[SongBody, TaskModel]:
    try:
        body = request.json()
        name = Body.model_validate(body if not isinstance(body, dict) else {"model": body.get("model")}).model
        model = TASK_MODELS.get(name)
        if model is None:
            known = ", ".join(TASK_MODELS)
            raise RefusedError(aiml_error(404, request.path, f"model: expected one of {known}"))
        return model.body.model_validate(body), model
    except ValidationError as error:
        raise RefusedError(aiml_error(400, request.path, first_wrong_field(error))) from error
    except ValueError as error:
        raise RefusedError(aiml_error(400, request.path, "body: expected JSON")) from error


def _status(word: str, fault: Fault | None) -> dict[str, object]:
    if fault is not None and fault.kind is FaultKind.HINT:
        return {"status": word, **HINTS}
    if fault is None or fault.kind is not FaultKind.STATUS_WORD:
        return {"status": word}
    reason = {"name": "GenerationError", "message": "the song could not be made"}
    return {"status": fault.argument, **({"error": reason} if fault.argument == "error" else {})}
