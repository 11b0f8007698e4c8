"""The routes of AIML API's music-01: a free upload of a recording, and one blocking, paid POST with MiniMax's
answer.
"""

import re
from decimal import Decimal
from secrets import token_hex
from threading import Lock
from typing import Final, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, ValidationError

from local.simulators.faults import Fault, FaultKind
from local.simulators.hints import HINTS
from local.simulators.http.exchange import Answer, RefusedError, Request, json_answer
from local.simulators.providers.aimlapi_errors import aiml_error
from local.simulators.providers.aimlapi_request import Body, MarkedWords
from local.simulators.providers.dialect import Backend, Route, Visit
from local.simulators.providers.minimax.answers import coded_answer, spell_hex
from local.simulators.providers.references import (
    BadFormError,
    BadRecordingError,
    Form,
    RecordingRule,
    check_recording,
    read_form,
)
from local.simulators.recording import Container, Song
from local.simulators.refusals import first_wrong_field

PATH: Final = "/v2/generate/audio/minimax"
USD_SPENT: Final = Decimal("0.0315")
_RULE: Final = RecordingRule(longer_than_s=10)
PURPOSES: Final = ("song", "voice", "instrumental")
_KEPT: Final = {"song": ("voice", "instrumental"), "voice": ("voice",), "instrumental": ("instrumental",)}
_KIND: Final = "upload"
_ID_BEGINS: Final = {"voice": "vocal", "instrumental": "instrumental"}
_SUCCESS: Final = {"status_code": 0, "status_msg": "success"}
_DEAF_TO: Final = frozenset({FaultKind.STATUS_WORD, FaultKind.DIRECT, FaultKind.LINK})


class AudioSetting(BaseModel):
    """`audio_setting` of music-01: the names are MiniMax's."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sample_rate: Literal[16000, 24000, 32000, 44100] = 44100
    bitrate: Literal[32000, 64000, 128000, 256000] = 256000
    format: Container = "mp3"


class GenerateRequest(Body):
    """The body of a generate; an absent reference must be left out and is never null."""

    model: Literal["music-01"]
    lyrics: MarkedWords
    refer_voice: str = ""
    refer_instrumental: str = ""
    audio_setting: AudioSetting = AudioSetting()

    @property
    def song(self) -> Song:
        """The song that this request orders."""
        setting = self.audio_setting
        words = self.lyrics.strip("#")
        return Song(self.lyrics, words, setting.format, setting.sample_rate, setting.bitrate)


class Music01:
    """Stores uploads by the ids that it returned."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lock = Lock()
        self._ids = set(backend.memory.saved(_KIND))

    def routes(self) -> tuple[Route, ...]:
        """The free route and the paid route."""
        return (
            Route("upload", "POST", re.compile(f"{PATH}/upload"), self._receive_upload),
            Route("create", "POST", re.compile(f"{PATH}/generate"), self._receive_generate),
        )

    def forget(self) -> None:
        """Drop every recording."""
        self._backend.memory.drop(_KIND)
        with self._lock:
            self._ids.clear()

    def _receive_upload(self, request: Request) -> Visit:
        if request.bearer != self._backend.key:
            raise RefusedError(aiml_error(401, request.path))
        try:
            purpose = _purpose_of(read_form(request))
        except (BadFormError, BadRecordingError) as error:
            raise RefusedError(aiml_error(400, request.path, str(error))) from error
        return Visit(purpose, lambda fault: self._keep(purpose, fault))

    def _keep(self, purpose: str, fault: Fault | None) -> Answer:
        if fault is not None and fault.kind is FaultKind.CODE:
            return coded_answer(int(fault.argument))
        ids = {f"{kind}_id": f"{_ID_BEGINS[kind]}-{token_hex(8)}" for kind in _KEPT[purpose]}
        for value in ids.values():
            self._backend.memory.save(_KIND, value, {})
        with self._lock:
            self._ids.update(ids.values())
        return json_answer(200, {**ids, "base_resp": _SUCCESS, **_hints(fault)})

    def _receive_generate(self, request: Request) -> Visit:
        if request.bearer != self._backend.key:
            raise RefusedError(aiml_error(401, request.path))
        try:
            order = GenerateRequest.model_validate(request.json())
        except ValidationError as error:
            raise RefusedError(aiml_error(400, request.path, first_wrong_field(error))) from error
        except ValueError as error:
            raise RefusedError(aiml_error(400, request.path, "body: expected JSON")) from error
        if wrong := self._wrong_reference(order):
            raise RefusedError(aiml_error(400, request.path, wrong))
        return Visit(order.lyrics, lambda fault: self._sing(order, fault), USD_SPENT, _DEAF_TO)

    def _wrong_reference(self, order: GenerateRequest) -> str | None:
        named = {"refer_voice": order.refer_voice, "refer_instrumental": order.refer_instrumental}
        given = {field: value for field, value in named.items() if field in order.model_fields_set}
        if not given:
            return "refer_voice, refer_instrumental: expected at least one"
        with self._lock:
            unknown = [field for field, value in given.items() if value not in self._ids]
        return f"{unknown[0]}: expected an id of an upload" if unknown else None

    def _sing(self, order: GenerateRequest, fault: Fault | None) -> Answer:
        after_s, kind = self._backend.latency_s, fault.kind if fault is not None else None
        if fault is not None and kind is FaultKind.CODE:
            return coded_answer(int(fault.argument), after_s=after_s)
        recording = self._backend.recordings.of(order.song)
        body = {
            "data": {"audio": spell_hex(recording.content, kind), "status": 1 if kind is FaultKind.STATUS1 else 2},
            "trace_id": uuid4().hex,
            "extra_info": {
                "audio_length": recording.duration_ms,
                "audio_size": len(recording.content),
                "audio_bitrate": recording.bitrate_bps,
                "audio_sample_rate": recording.sample_rate_hz,
            },
            "base_resp": _SUCCESS,
            **_hints(fault),
        }
        return json_answer(200, body, after_s=after_s, charged=True)


def _purpose_of(form: Form) -> str:
    """The purpose of the recording in a valid form; raises `BadFormError` or `BadRecordingError`."""
    if set(form.fields) != {"purpose"} or form.fields["purpose"] not in PURPOSES:
        raise BadFormError(f"purpose: expected one of {', '.join(PURPOSES)}, and no other field")
    if set(form.files) != {"file"}:
        raise BadFormError("file: expected one file")
    try:
        check_recording(form.files["file"], _RULE)
    except BadRecordingError as error:
        raise BadRecordingError(f"file: {error}") from error
    return form.fields["purpose"]


def _hints(fault: Fault | None) -> dict[str, object]:
    return dict(HINTS) if fault is not None and fault.kind is FaultKind.HINT else {}
