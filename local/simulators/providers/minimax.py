"""The dialect of MiniMax's own API: one blocking POST, errors inside HTTP 200, audio as hex or as a link."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Final
from uuid import uuid4

from local.simulators.call_limits import Busy
from local.simulators.faults import Fault, FaultKind, FaultRow
from local.simulators.hints import HINTS
from local.simulators.http.exchange import Answer, RefusedError, Request, json_answer, text_answer
from local.simulators.http.network_faults import network_rows
from local.simulators.providers.dialect import Backend, Label, Route, Visit, top_level_label
from local.simulators.providers.links import NOT_AUDIO
from local.simulators.providers.minimax_request import BadParametersError, MusicRequest, read_music_request
from local.simulators.providers.references import COVER, BadRecordingError, check_recording, is_on_this_machine
from local.simulators.providers.speech.minimax_speech import MinimaxSpeech
from local.simulators.recording import Recording
from local.simulators.streams.minimax import STREAM_KINDS, STREAM_ROWS, streamed

MESSAGES: Final[Mapping[int, str]] = {
    1000: "unknown error",
    1001: "request timeout",
    1002: "rate limit exceeded(RPM)",
    1004: "login fail: Please carry the API secret key in the 'Authorization' field of the request header",
    1008: "insufficient balance",
    1013: "internal service error",
    1024: "internal error",
    1026: "input new_sensitive",
    1027: "output new_sensitive",
    1033: "downstream service error",
    1039: "rate limit exceeded(TPM)",
    1041: "too many connections",
    1042: "invisible character ratio exceeds limit",
    2013: "invalid params",
    2042: "you don't have access to this voice_id",
    2044: "not authorized to access this API",
    2045: "rate growth limit exceeded",
    2056: "usage limit exceeded",
    2061: "your current token plan not support model",
    20132: "invalid samples or voice_id",
    2153: "the music API is closed to new accounts",
}
CLOSED_ACCOUNT: Final = 2153
# Documented nowhere: the shortest that any provider of these models takes.
# Known only after the song is made, so its cost is charged.
CODES_AFTER_WORK: Final = frozenset({1001, 1027})
_CODE_OF_STATUS: Final = {400: 2013, 401: 1004, 402: 1008, 410: CLOSED_ACCOUNT, 429: 1002}
VOICE_TYPES: Final = ("system", "voice_cloning", "voice_generation", "all")
VOICES: Final = (
    {"voice_id": "Wise_Woman", "voice_name": "Wise Woman", "description": []},
    {"voice_id": "Simulated_Newcomer", "voice_name": "Newcomer", "description": []},
)
"""A voice that ships with Fermata, and one that only this list names."""
_SUCCESS: Final = {"status_code": 0, "status_msg": "success"}
_HEX_KINDS: Final = frozenset({FaultKind.ODD_HEX, FaultKind.UPPER_HEX, FaultKind.NOT_HEX})


class MinimaxDialect:
    """MiniMax official."""

    provider: ClassVar[str] = "minimax"
    fault_rows: ClassVar[tuple[FaultRow, ...]] = (
        FaultRow(
            FaultKind.CODE,
            ("create",),
            "base_resp.status_code inside 200 (2153: 410)",
            "yes for 1001 and 1027, else no",
        ),
        *network_rows("create", "poll", "file"),
        FaultRow(FaultKind.STATUS1, ("create",), "data.status 1, still synthesising: half of the audio", "yes"),
        FaultRow(FaultKind.ODD_HEX, ("create",), "hex of odd length, for any output_format", "yes"),
        FaultRow(FaultKind.UPPER_HEX, ("create",), "hex in capitals (valid), for any output_format", "yes"),
        FaultRow(FaultKind.NOT_HEX, ("create",), "letters within hex, for any output_format", "yes"),
        FaultRow(FaultKind.NOT_AUDIO, ("create", "file"), "hex, or a linked file, that is text", "yes"),
        FaultRow(FaultKind.LINK, ("create",), "a link that points elsewhere, for any output_format", "yes"),
        FaultRow(FaultKind.LINK_EXPIRED, ("file",), "403 on a link that is too old", "-"),
        FaultRow(FaultKind.HINT, ("create",), "fields addressed to software agents", "yes"),
        *STREAM_ROWS,
    )

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def routes(self) -> tuple[Route, ...]:
        """The paid routes of music and speech, and the free list of voices."""
        return (
            Route("create", "POST", re.compile("/v1/music_generation"), self._receive),
            Route("poll", "POST", re.compile("/v1/get_voice"), self._receive_get_voice),
            *MinimaxSpeech(self._backend, coded_answer, spell_hex).routes(),
        )

    def label(self, body: object) -> Label:
        """`model` and `prompt` from the top level."""
        return top_level_label(body)

    def error(self, status: int, path: str) -> Answer:  # noqa: ARG002 - other providers repeat the path
        """`base_resp` where the status has a documented code, else a gateway's plain text."""
        if code := _CODE_OF_STATUS.get(status):
            return coded_answer(code, status)
        return text_answer(status, f"upstream error {status}\n")

    def busy(self, busy: Busy, path: str) -> Answer:  # noqa: ARG002 - other providers repeat the path
        """A code under HTTP 200: 1002 for the limit per minute, 1041 for the concurrency limit."""
        return coded_answer(1002 if busy is Busy.RATE else 1041)

    def forget(self) -> None:
        """Do nothing: the provider has no tasks."""

    def _receive(self, request: Request) -> Visit:
        if request.bearer != self._backend.key:
            raise RefusedError(coded_answer(1004))
        try:
            order, rules = read_music_request(request.json())
            self._check_recording(order)
        except BadParametersError as error:
            raise RefusedError(coded_answer(2013, detail=f", {error}")) from error
        except ValueError as error:
            raise RefusedError(coded_answer(2013, detail=", body: expected JSON")) from error
        deaf_to = frozenset() if order.stream else STREAM_KINDS
        return Visit(order.prompt, lambda fault: self._answer(order, fault), rules.usd, deaf_to)

    def _receive_get_voice(self, request: Request) -> Visit:
        if request.bearer != self._backend.key:
            raise RefusedError(coded_answer(1004))
        try:
            body = request.json()
        except ValueError as error:
            raise RefusedError(coded_answer(2013, detail=", body: expected JSON")) from error
        if not isinstance(body, dict) or body.get("voice_type") not in VOICE_TYPES:
            raise RefusedError(coded_answer(2013, detail=f", voice_type: expected one of {', '.join(VOICE_TYPES)}"))
        return Visit("", lambda _: json_answer(200, {"system_voice": list(VOICES), "base_resp": _SUCCESS}))

    def _check_recording(self, order: MusicRequest) -> None:
        if order.audio_url is None:
            return
        try:
            # A link to another machine is accepted unchecked, because simulators make no external requests.
            if is_on_this_machine(order.audio_url):
                check_recording(self._backend.fetch(order.audio_url), COVER)
        except BadRecordingError as error:
            raise BadParametersError(f"audio_url: {error}") from error

    def _answer(self, order: MusicRequest, fault: Fault | None) -> Answer:
        after_s = self._backend.latency_s
        if fault is not None and fault.kind is FaultKind.CODE:
            return coded_answer(int(fault.argument), after_s=after_s)
        recording = self._backend.recordings.of(order.song)
        # With any other fault a request for a stream gets JSON, which the provider sends at times.
        if order.stream and (fault is None or fault.kind in STREAM_KINDS):
            return streamed(recording, _facts(recording), fault, after_s, self._backend.gate)
        body = self._body(order, recording, fault)
        told = json_answer(200, body, after_s=after_s, charged=True)
        return replace(told, headers={"Trace-Id": str(body["trace_id"])})

    def _body(self, order: MusicRequest, recording: Recording, fault: Fault | None) -> dict[str, object]:
        kind = fault.kind if fault is not None else None
        return {
            "data": {"audio": self._audio(order, recording, fault), "status": 1 if kind is FaultKind.STATUS1 else 2},
            "trace_id": uuid4().hex,
            "extra_info": _facts(recording),
            "analysis_info": None,
            "base_resp": _SUCCESS,
            **(HINTS if kind is FaultKind.HINT else {}),
        }

    def _audio(self, order: MusicRequest, recording: Recording, fault: Fault | None) -> str:
        kind = fault.kind if fault is not None else None
        if fault is not None and kind is FaultKind.LINK:
            return fault.argument
        if order.output_format == "url" and kind not in {*_HEX_KINDS, FaultKind.STATUS1}:
            return self._backend.links.mint(order.song, genuine=kind is not FaultKind.NOT_AUDIO)
        return spell_hex(recording.content, kind)


def _facts(recording: Recording) -> dict[str, object]:
    """The `extra_info` of a song."""
    return {
        "music_duration": recording.duration_ms,
        "music_sample_rate": recording.sample_rate_hz,
        "music_channel": recording.channels,
        "bitrate": recording.bitrate_bps,
        "music_size": len(recording.content),
    }


def spell_hex(content: bytes, kind: FaultKind | None) -> str:
    """Audio as the hex text of a MiniMax body, changed by a fault if there is one."""
    text = content.hex()
    half = len(text) // 4 * 2
    if kind is FaultKind.STATUS1:
        return text[:half]
    if kind is FaultKind.ODD_HEX:
        return text[:-1]
    if kind is FaultKind.UPPER_HEX:
        return text.upper()
    if kind is FaultKind.NOT_HEX:
        # Two letters that are no hex digits keep the length even.
        return f"{text[:half]}zz{text[half + 2 :]}"
    return NOT_AUDIO.hex() if kind is FaultKind.NOT_AUDIO else text


def coded_answer(code: int, status: int | None = None, *, detail: str = "", after_s: float = 0.0) -> Answer:
    """A failure as MiniMax reports it; `after_s` applies only to codes that follow the work."""
    http = status or (410 if code == CLOSED_ACCOUNT else 200)
    body = {
        "data": None,
        "trace_id": uuid4().hex,
        "base_resp": {"status_code": code, "status_msg": MESSAGES.get(code, f"error {code}") + detail},
    }
    after_work = code in CODES_AFTER_WORK
    return json_answer(http, body, after_s=after_s if after_work else 0.0, charged=after_work)
