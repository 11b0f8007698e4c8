"""The speech route of MiniMax: one paid POST, whose answer is one body or a stream of events."""

import re
from decimal import Decimal
from typing import Final, Literal

from pydantic import ValidationError

from local.simulators.faults import Fault, FaultKind
from local.simulators.hints import HINTS
from local.simulators.http.exchange import Answer, RefusedError, Request
from local.simulators.providers.dialect import Backend, Route, Visit
from local.simulators.providers.minimax.answers import (
    SUCCESS,
    coded_answer,
    invalid_params,
    spell_hex,
    traced_answer,
)
from local.simulators.providers.speech.order import SpeechBody, Strict, counted, usd_for
from local.simulators.recording import Recording
from local.simulators.refusals import first_wrong_field
from local.simulators.streams.minimax import STREAM_KINDS, LastEvent, streamed

PATH: Final = "/v1/t2a_v2"
_MODEL: Final = re.compile(r"speech-[A-Za-z0-9.-]{1,30}")
_WITHOUT_LINK: Final = frozenset({FaultKind.ODD_HEX, FaultKind.UPPER_HEX, FaultKind.NOT_HEX, FaultKind.STATUS1})


class StreamOptions(Strict):
    """`stream_options`."""

    exclude_aggregated_audio: bool = False


class T2aRequest(SpeechBody):
    """The body of `POST /v1/t2a_v2`."""

    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    output_format: Literal["hex", "url"] = "hex"
    subtitle_enable: bool = False


class MinimaxSpeech:
    """MiniMax's speech, whose answers have the shapes of its music."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def routes(self) -> tuple[Route, ...]:
        """The paid route."""
        return (Route("create", "POST", re.compile(PATH), self._receive),)

    def _receive(self, request: Request) -> Visit:
        if request.bearer != self._backend.key:
            raise RefusedError(coded_answer(1004))
        try:
            order = T2aRequest.model_validate(request.json())
        except ValidationError as error:
            raise RefusedError(invalid_params(first_wrong_field(error))) from error
        except ValueError as error:
            raise RefusedError(invalid_params("body: expected JSON")) from error
        if not _MODEL.fullmatch(order.model) or order.voice_setting.voice_id is None:
            raise RefusedError(invalid_params("model and voice_setting.voice_id: required"))
        usd = usd_for(order.text, Decimal("0.06") if order.model.endswith("-turbo") else Decimal("0.10"))
        deaf_to = frozenset() if order.stream else STREAM_KINDS
        return Visit(order.text, lambda fault: self._answer(order, fault), usd, deaf_to, counted(order.text))

    def _answer(self, order: T2aRequest, fault: Fault | None) -> Answer:
        after_s = self._backend.latency_s
        if fault is not None and fault.kind is FaultKind.CODE:
            return coded_answer(int(fault.argument), after_s=after_s)
        recording = self._backend.recordings.of(order.song)
        # With any other fault a request for a stream gets JSON, which the provider sends at times.
        if order.stream and (fault is None or fault.kind in STREAM_KINDS):
            last = LastEvent.EMPTY if order.stream_options.exclude_aggregated_audio else LastEvent.WHOLE
            return streamed(recording, _facts(order, recording), fault, after_s, self._backend.gate, last)
        body = {
            "data": {"audio": self._audio(order, recording, fault), **_status(fault), **self._subtitles(order)},
            "extra_info": _facts(order, recording),
            "base_resp": SUCCESS,
            **(HINTS if fault is not None and fault.kind is FaultKind.HINT else {}),
        }
        return traced_answer(body, after_s=after_s, charged=True)

    def _audio(self, order: T2aRequest, recording: Recording, fault: Fault | None) -> str:
        kind = fault.kind if fault is not None else None
        if fault is not None and kind is FaultKind.LINK:
            return fault.argument
        if order.output_format == "url" and kind not in _WITHOUT_LINK:
            return self._backend.links.mint(order.song, genuine=kind is not FaultKind.NOT_AUDIO)
        return spell_hex(recording.content, kind)

    def _subtitles(self, order: T2aRequest) -> dict[str, object]:
        if not order.subtitle_enable:
            return {}
        return {"subtitle_file": self._backend.links.mint(order.song, subtitles=True)}


def _facts(order: T2aRequest, recording: Recording) -> dict[str, object]:
    """The `extra_info` of a speech."""
    return {
        "audio_length": recording.duration_ms,
        "audio_sample_rate": recording.sample_rate_hz,
        "audio_size": len(recording.content),
        "bitrate": recording.bitrate_bps,
        "word_count": len(order.text.split()),
        "usage_characters": counted(order.text),
        "invisible_character_ratio": 0,
        "audio_format": order.audio_setting.format,
        "audio_channel": recording.channels,
    }


def _status(fault: Fault | None) -> dict[str, object]:
    return {"status": 1 if fault is not None and fault.kind is FaultKind.STATUS1 else 2}
