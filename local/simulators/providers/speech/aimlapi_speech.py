"""The speech route of the AIML API: one blocking, paid POST with a link to the file."""

import re
from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field, ValidationError

from local.simulators.faults import Fault, FaultKind
from local.simulators.hints import HINTS
from local.simulators.http.exchange import Answer, RefusedError, Request, json_answer
from local.simulators.providers.aimlapi_errors import aiml_error
from local.simulators.providers.aimlapi_request import CREDITS_PER_USD
from local.simulators.providers.dialect import Backend, Route, Visit
from local.simulators.providers.minimax.answers import coded_answer, spell_hex
from local.simulators.providers.speech.order import SpeechBody, counted, usd_for
from local.simulators.refusals import first_wrong_field

PATH: Final = "/v1/tts"
_MODEL: Final = re.compile(r"minimax/speech-2\.[5-9]-(hd|turbo)")
_HEX_KINDS: Final = frozenset({FaultKind.STATUS1, FaultKind.ODD_HEX, FaultKind.UPPER_HEX, FaultKind.NOT_HEX})
_DEAF_TO: Final = frozenset({FaultKind.STATUS_WORD})


class TtsRequest(SpeechBody):
    """The body of `POST /v1/tts`."""

    text: Annotated[str, Field(min_length=1, max_length=5000)]


class AimlapiSpeech:
    """AIML API's speech."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def routes(self) -> tuple[Route, ...]:
        """The paid route."""
        return (Route("create", "POST", re.compile(PATH), self._receive),)

    def _receive(self, request: Request) -> Visit:
        if request.bearer != self._backend.key:
            raise RefusedError(aiml_error(401, request.path))
        try:
            order = TtsRequest.model_validate(request.json())
        except ValidationError as error:
            raise RefusedError(aiml_error(400, request.path, first_wrong_field(error))) from error
        except ValueError as error:
            raise RefusedError(aiml_error(400, request.path, "body: expected JSON")) from error
        if not _MODEL.fullmatch(order.model):
            raise RefusedError(aiml_error(404, request.path, "model: expected minimax/speech-2.*"))
        usd = usd_for(order.text, Decimal("0.078") if order.model.endswith("-turbo") else Decimal("0.13"))
        return Visit(
            order.text, lambda fault: self._speak(order, usd, fault), usd, _DEAF_TO, characters=counted(order.text)
        )

    def _speak(self, order: TtsRequest, usd: Decimal, fault: Fault | None) -> Answer:
        after_s, kind = self._backend.latency_s, fault.kind if fault is not None else None
        if fault is not None and kind is FaultKind.CODE:
            return coded_answer(int(fault.argument), after_s=after_s)
        recording = self._backend.recordings.of(order.song)
        if kind is FaultKind.DIRECT:
            return Answer(200, recording.content, order.song.content_type, after_s=after_s, charged=True)
        usage = {"usage": {"credits_used": int(usd * CREDITS_PER_USD), "usd_spent": float(usd)}}
        if kind in _HEX_KINDS or kind is FaultKind.NOT_AUDIO:
            status = 1 if kind is FaultKind.STATUS1 else 2
            body: dict[str, object] = {"data": {"audio": spell_hex(recording.content, kind), "status": status}}
        else:
            is_link = fault is not None and kind is FaultKind.LINK
            link = fault.argument if fault is not None and is_link else self._backend.links.mint(order.song)
            body = {"audio": {"url": link}}
        hints = HINTS if kind is FaultKind.HINT else {}
        return json_answer(200, {**body, "meta": usage, **hints}, after_s=after_s, charged=True)
