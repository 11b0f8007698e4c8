"""The fields of `POST /v1/jobs` that order speech, and which of them a model takes."""

import math
from collections.abc import Callable, Collection, Iterator
from decimal import Decimal
from typing import Annotated, Final, Protocol

from pydantic import AfterValidator, BeforeValidator, Field, StrictFloat, StrictStr

from fermata.domain.catalogue.models import Model
from fermata.domain.catalogue.speech import FASTEST, SLOWEST, SpeechRule
from fermata.domain.catalogue.voices import ids_of, shipped_voices
from fermata.domain.orders.text_limits import wrong_choice, wrong_text
from fermata.errors import FieldError

FoundVoices = Callable[[Model], Collection[str]]
"""The ids of voices that a model has beyond those that ship, for the order's tenant. Called only for a voice that does
not ship.
"""

_SONG_TEXTS: Final = ("prompt", "lyrics")
_SONG_SWITCHES: Final = ("instrumental", "auto_lyrics")


def _number(value: object) -> object:
    """A JSON number of any notation, or a `Decimal` from DynamoDB, as a float; anything else unchanged."""
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return float(value) if is_number and isinstance(value, int | float | Decimal) and math.isfinite(value) else value


Speed = Annotated[StrictFloat, Field(ge=float(SLOWEST), le=float(FASTEST)), BeforeValidator(_number)]
"""How fast to speak: 1 is the voice's own speed."""
VoiceId = Annotated[StrictStr, Field(min_length=1, max_length=200)]
Choice = Annotated[StrictStr, Field(min_length=1, max_length=40)]
Language = Annotated[Choice, AfterValidator(str.lower)]
"""A BCP 47 code, whose letters mean the same in either case."""


class _Request(Protocol):
    """What a request says of speech and of songs."""

    @property
    def text(self) -> str: ...
    @property
    def voice(self) -> str | None: ...
    @property
    def speed(self) -> float | None: ...
    @property
    def language(self) -> str | None: ...
    @property
    def emotion(self) -> str | None: ...
    @property
    def subtitles(self) -> bool: ...
    @property
    def prompt(self) -> str: ...
    @property
    def lyrics(self) -> str: ...
    @property
    def instrumental(self) -> bool: ...
    @property
    def auto_lyrics(self) -> bool: ...
    @property
    def duration_s(self) -> int | None: ...
    @property
    def reference(self) -> object | None: ...


def none_found(_model: Model) -> Collection[str]:
    """No voices beyond those that ship."""
    return ()


def what_a_singer_refuses(request: _Request, model: Model) -> Iterator[FieldError]:
    """An error for every field that orders speech; the model makes songs."""
    given = {
        "text": bool(request.text),
        "voice": request.voice is not None,
        "speed": request.speed is not None,
        "language": request.language is not None,
        "emotion": request.emotion is not None,
    }
    for name, is_given in given.items():
        if is_given:
            yield FieldError(f"/{name}", f"must be left out: {model.id} makes songs; models of the kind speech take it")
    if request.subtitles:
        yield FieldError("/subtitles", f"must be false: {model.id} makes songs")


def what_a_speaker_refuses(
    request: _Request, model: Model, rule: SpeechRule, found: FoundVoices
) -> Iterator[FieldError]:
    """An error for every field that a model that speaks does not take, but for those of the audio file."""
    yield from wrong_text("/text", request.text, rule.text, rule.text.required, model.id)
    yield from _voice(request.voice, model, rule, found)
    if request.speed is not None and not rule.speed:
        yield FieldError("/speed", f"must be left out: {model.id} has one speed")
    none = f"must be left out: {model.id} takes no"
    yield from wrong_choice("/language", request.language, rule.languages, f"{none} language")
    yield from wrong_choice("/emotion", request.emotion, rule.emotions, f"{none} emotion")
    if request.subtitles and not rule.subtitles:
        yield FieldError("/subtitles", f"must be false: {model.id} makes no subtitles")
    yield from _fields_of_songs(request, model)


def _voice(voice: str | None, model: Model, rule: SpeechRule, found: FoundVoices) -> Iterator[FieldError]:
    listed = f"GET /v1/voices?model={model.id} lists the voices"
    if voice is None:
        if rule.voice_required:
            yield FieldError("/voice", f"is required: {model.id} has no default voice; {listed}")
    elif voice not in ids_of(shipped_voices().get(rule.voices, ())) and voice not in found(model):
        yield FieldError("/voice", f"is not a voice of {model.id}; {listed}")


def _fields_of_songs(request: _Request, model: Model) -> Iterator[FieldError]:
    why = f"{model.id} speaks the text"
    for name in _SONG_TEXTS:
        if getattr(request, name):
            yield FieldError(f"/{name}", f"must be left out: {why}; models of the kind song take it")
    for name in _SONG_SWITCHES:
        if getattr(request, name):
            yield FieldError(f"/{name}", f"must be false: {why}")
    if request.duration_s is not None:
        yield FieldError("/duration_s", f"must be left out: {why}, whose length decides")
    if request.reference is not None:
        yield FieldError("/reference", f"must be left out: {why} and takes no recording")
