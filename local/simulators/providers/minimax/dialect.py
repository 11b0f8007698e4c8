"""The dialect of MiniMax's own API: one blocking POST, errors inside HTTP 200, audio as hex or as a link."""

import re
from typing import ClassVar, Final

from local.simulators.call_limits import Busy
from local.simulators.faults import Fault, FaultKind, FaultRow
from local.simulators.hints import HINTS
from local.simulators.http.exchange import Answer, RefusedError, Request, text_answer
from local.simulators.http.network_faults import network_rows
from local.simulators.providers.dialect import Backend, Label, Route, Visit, top_level_label
from local.simulators.providers.minimax.answers import (
    CLOSED_ACCOUNT,
    SUCCESS,
    coded_answer,
    invalid_params,
    spell_hex,
    traced_answer,
)
from local.simulators.providers.minimax.covers import Covers
from local.simulators.providers.minimax.request import BadParametersError, MusicRequest, read_music_request
from local.simulators.providers.speech.minimax_speech import MinimaxSpeech
from local.simulators.recording import Recording
from local.simulators.streams.minimax import STREAM_KINDS, STREAM_ROWS, streamed

_CODE_OF_STATUS: Final = {400: 2013, 401: 1004, 402: 1008, 410: CLOSED_ACCOUNT, 429: 1002}
VOICE_TYPES: Final = ("system", "voice_cloning", "voice_generation", "all")
VOICES: Final = (
    {"voice_id": "Wise_Woman", "voice_name": "Wise Woman", "description": []},
    {"voice_id": "Simulated_Newcomer", "voice_name": "Newcomer", "description": []},
)
"""A voice that ships with Fermata, and one that only this list names."""
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
        *network_rows("create", "poll", "upload", "file"),
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
        self._covers = Covers(backend)

    def routes(self) -> tuple[Route, ...]:
        """The paid routes of music and speech, the free list of voices, and the free reading of a recording."""
        return (
            Route("create", "POST", re.compile("/v1/music_generation"), self._receive),
            Route("poll", "POST", re.compile("/v1/get_voice"), self._receive_get_voice),
            *self._covers.routes(),
            *MinimaxSpeech(self._backend).routes(),
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
        """Drop what was read of recordings; the provider has no tasks."""
        self._covers.forget()

    def _receive(self, request: Request) -> Visit:
        if request.bearer != self._backend.key:
            raise RefusedError(coded_answer(1004))
        try:
            order, rules = read_music_request(request.json())
            self._covers.check(order.audio_url, order.audio_base64, order.cover_feature_id)
        except BadParametersError as error:
            raise RefusedError(invalid_params(str(error))) from error
        except ValueError as error:
            raise RefusedError(invalid_params("body: expected JSON")) from error
        deaf_to = frozenset() if order.stream else STREAM_KINDS
        return Visit(order.prompt, lambda fault: self._answer(order, fault), rules.usd, deaf_to)

    def _receive_get_voice(self, request: Request) -> Visit:
        if request.bearer != self._backend.key:
            raise RefusedError(coded_answer(1004))
        try:
            body = request.json()
        except ValueError as error:
            raise RefusedError(invalid_params("body: expected JSON")) from error
        if not isinstance(body, dict) or body.get("voice_type") not in VOICE_TYPES:
            raise RefusedError(invalid_params(f"voice_type: expected one of {', '.join(VOICE_TYPES)}"))
        return Visit("", lambda _: traced_answer({"system_voice": list(VOICES), "base_resp": SUCCESS}))

    def _answer(self, order: MusicRequest, fault: Fault | None) -> Answer:
        after_s = self._backend.latency_s
        if fault is not None and fault.kind is FaultKind.CODE:
            return coded_answer(int(fault.argument), after_s=after_s)
        recording = self._backend.recordings.of(order.song)
        # With any other fault a request for a stream gets JSON, which the provider sends at times.
        if order.stream and (fault is None or fault.kind in STREAM_KINDS):
            return streamed(recording, _facts(recording), fault, after_s, self._backend.gate)
        return traced_answer(self._body(order, recording, fault), after_s=after_s, charged=True)

    def _body(self, order: MusicRequest, recording: Recording, fault: Fault | None) -> dict[str, object]:
        kind = fault.kind if fault is not None else None
        return {
            "data": {**self._audio(order, recording, fault), "status": 1 if kind is FaultKind.STATUS1 else 2},
            "extra_info": _facts(recording),
            "analysis_info": None,
            "base_resp": SUCCESS,
            **(HINTS if kind is FaultKind.HINT else {}),
        }

    def _audio(self, order: MusicRequest, recording: Recording, fault: Fault | None) -> dict[str, str]:
        kind = fault.kind if fault is not None else None
        if fault is not None and kind is FaultKind.LINK:
            return _linked(fault.argument)
        if order.output_format == "url" and kind not in {*_HEX_KINDS, FaultKind.STATUS1}:
            return _linked(self._backend.links.mint(order.song, genuine=kind is not FaultKind.NOT_AUDIO))
        return {"audio": spell_hex(recording.content, kind)}


def _linked(link: str) -> dict[str, str]:
    """A link under both names: the documents have the first, MiniMax's command line reads only the second."""
    return {"audio": link, "audio_url": link}


def _facts(recording: Recording) -> dict[str, object]:
    """The `extra_info` of a song."""
    return {
        "music_duration": recording.duration_ms,
        "music_sample_rate": recording.sample_rate_hz,
        "music_channel": recording.channels,
        "bitrate": recording.bitrate_bps,
        "music_size": len(recording.content),
    }
