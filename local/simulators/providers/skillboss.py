"""The dialect of SkillBoss: one blocking POST for all models, which returns a signed link to the file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, ClassVar, Final
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from local.simulators.call_limits import Busy
from local.simulators.faults import Fault, FaultKind, FaultRow
from local.simulators.hints import HINTS
from local.simulators.http.exchange import Answer, RefusedError, Request, json_answer
from local.simulators.http.network_faults import network_rows
from local.simulators.providers.dialect import Backend, Label, Route, Visit, top_level_label
from local.simulators.providers.minimax.answers import spell_hex
from local.simulators.providers.speech.order import LONGEST_TEXT, counted, spoken, usd_for
from local.simulators.recording import Recording, Song
from local.simulators.refusals import first_wrong_field

PATH: Final = "/v1/run"
MODELS: Final = ("minimax_voice/music-2.5",)
USD_PER_1000_CHARACTERS: Final[Mapping[str, Decimal]] = {
    "minimax_voice/speech-02-turbo": Decimal("0.06"),
    "minimax_voice/speech-2.8-hd": Decimal("0.10"),
}
"""The speech models."""
# SkillBoss publishes no price for a song; that of the underlying model replaces it.
USD: Final = Decimal("0.15")
MESSAGES: Final[Mapping[int, str]] = {
    400: "Invalid request",
    401: "Invalid API key",
    402: "Insufficient credits",
    429: "Rate limit exceeded",
    500: "Internal error, safe to retry",
    503: "The discount pool is at capacity",
}
RETRY_AFTER_S: Final = 1
_HEX_KINDS: Final = frozenset({FaultKind.ODD_HEX, FaultKind.UPPER_HEX, FaultKind.NOT_HEX, FaultKind.STATUS1})


class Inputs(BaseModel):
    """`inputs` of a music model."""

    model_config = ConfigDict(extra="forbid", strict=True)

    lyrics: Annotated[str, Field(min_length=1, max_length=3500)]
    prompt: Annotated[str, Field(max_length=2000)] = ""


class SpeechInputs(BaseModel):
    """`inputs` of a speech model."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
    voice_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None


class RunBody(BaseModel):
    """The body of a run. Unlike upstream, unknown fields are refused, so that misspelt options are noticed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str
    inputs: dict[str, object]
    auto_fallback: bool = True


class BadRunError(ValueError):
    """A run that SkillBoss refuses; the message is the reason."""


@dataclass(frozen=True)
class Run:
    """A valid run."""

    model: str
    inputs: Inputs | SpeechInputs

    @property
    def song(self) -> Song:
        """The song or speech that this request orders."""
        inputs = self.inputs
        return spoken(inputs.text) if isinstance(inputs, SpeechInputs) else Song(inputs.prompt, inputs.lyrics)


def read_run(body: object) -> Run:
    """The valid run in a JSON body; raises `BadRunError` with the first wrong field."""
    within = ""
    try:
        run = RunBody.model_validate(body)
        known = (*MODELS, *USD_PER_1000_CHARACTERS)
        if run.model not in known:
            raise BadRunError(f"model: expected one of {', '.join(known)}")
        within = "inputs"
        inputs = SpeechInputs if run.model in USD_PER_1000_CHARACTERS else Inputs
        return Run(run.model, inputs.model_validate(run.inputs))
    except ValidationError as error:
        raise BadRunError(first_wrong_field(error, within=within)) from None


class SkillbossDialect:
    """SkillBoss, `minimax_voice/music-2.5` and its speech models."""

    provider: ClassVar[str] = "skillboss"
    fault_rows: ClassVar[tuple[FaultRow, ...]] = (
        FaultRow(FaultKind.CODE, ("create",), "code and message inside HTTP 200", "no"),
        *network_rows("create", "file"),
        FaultRow(FaultKind.DIRECT, ("create",), "the file itself as the answer", "yes"),
        FaultRow(FaultKind.STATUS1, ("create",), "a MiniMax body under result, still synthesising", "yes"),
        FaultRow(FaultKind.ODD_HEX, ("create",), "a MiniMax body under result, hex of odd length", "yes"),
        FaultRow(FaultKind.UPPER_HEX, ("create",), "a MiniMax body under result, hex in capitals (valid)", "yes"),
        FaultRow(FaultKind.NOT_HEX, ("create",), "a MiniMax body under result, letters within hex", "yes"),
        FaultRow(FaultKind.NOT_AUDIO, ("file",), "a linked file that is text", "-"),
        FaultRow(FaultKind.LINK, ("create",), "a link that points elsewhere", "yes"),
        FaultRow(FaultKind.LINK_EXPIRED, ("file",), "403 on a link that is too old", "-"),
        FaultRow(FaultKind.HINT, ("create",), "fields addressed to software agents", "yes"),
    )

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def routes(self) -> tuple[Route, ...]:
        """The one paid route."""
        return (Route("create", "POST", re.compile(PATH), self._receive),)

    def label(self, body: object) -> Label:
        """`model` from the top level, `prompt` from `inputs`."""
        label = top_level_label(body)
        inputs = body.get("inputs") if isinstance(body, dict) else None
        return replace(label, prompt=top_level_label(inputs).prompt)

    def error(self, status: int, path: str) -> Answer:  # noqa: ARG002 - other providers repeat the path
        """A code and a message."""
        return _error(status)

    def busy(self, busy: Busy, path: str) -> Answer:  # noqa: ARG002 - 429 stands for every limit
        """HTTP 429, which the provider returns for all limits."""
        return self.error(429, path)

    def forget(self) -> None:
        """Do nothing: the provider has no tasks."""

    def _receive(self, request: Request) -> Visit:
        if request.bearer != self._backend.key:
            raise RefusedError(_error(401))
        try:
            order = read_run(request.json())
        except BadRunError as error:
            raise RefusedError(_error(400, str(error))) from error
        except ValueError as error:
            raise RefusedError(_error(400, "body: expected JSON")) from error
        if isinstance(order.inputs, SpeechInputs):
            usd = usd_for(order.inputs.text, USD_PER_1000_CHARACTERS[order.model])
            characters = counted(order.inputs.text)
            return Visit(order.song.prompt, lambda fault: self._answer(order, fault), usd, characters=characters)
        return Visit(order.song.prompt, lambda fault: self._answer(order, fault), USD)

    def _answer(self, order: Run, fault: Fault | None) -> Answer:
        if fault is not None and fault.kind is FaultKind.CODE:
            return json_answer(200, _error_body(int(fault.argument)))
        return replace(self._song(order, fault), after_s=self._backend.latency_s, charged=True)

    def _song(self, order: Run, fault: Fault | None) -> Answer:
        kind = fault.kind if fault is not None else None
        recording = self._backend.recordings.of(order.song)
        if kind is FaultKind.DIRECT:
            return Answer(200, recording.content, order.song.content_type)
        if kind in _HEX_KINDS:
            return json_answer(200, {"code": 200, "result": _minimax_body(recording, kind)})
        link = fault.argument if fault is not None and kind is FaultKind.LINK else self._backend.links.mint(order.song)
        hints = HINTS if kind is FaultKind.HINT else {}
        body = {"id": uuid4().hex, "model": order.model, "outputs": [{"type": "audio", "url": link}], **hints}
        return json_answer(200, body)


def _minimax_body(recording: Recording, kind: FaultKind | None) -> dict[str, object]:
    return {
        "data": {"audio": spell_hex(recording.content, kind), "status": 1 if kind is FaultKind.STATUS1 else 2},
        "base_resp": {"status_code": 0, "status_msg": "success"},
    }


def _error(status: int, reason: str | None = None) -> Answer:
    answer = json_answer(status, _error_body(status, reason))
    return replace(answer, headers={"retry-after": str(RETRY_AFTER_S)}) if status == 429 else answer


def _error_body(code: int, reason: str | None = None) -> dict[str, object]:
    message = MESSAGES.get(code, f"error {code}")
    return {"code": code, "message": f"{message}: {reason}" if reason else message}
