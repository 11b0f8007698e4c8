"""The request fields of API in One's music endpoint for its two kinds of models."""

import re
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from local.simulators.recording import Song
from local.simulators.refusals import first_wrong_field

SUNO: Final = ("suno", "chirp-")
"""Prefixes of the suno models."""
_VERSION: Final = re.compile(r"chirp-v(\d+)(?:-(\d+))?")
_WIDER_SINCE: Final = (4, 5)
# MP3 has 56 and 64 kbit/s, but not 60.
_ENCODED_AS: Final = {60000: 64000}


class BadOrderError(ValueError):
    """An order that API in One refuses; the message is the reason."""


class MusicOrder(Protocol):
    """One valid order: its songs, its label for bill and faults, and its price."""

    model: str

    def as_json(self) -> dict[str, Any]:
        """The body that ordered it."""

    @property
    def callback_url(self) -> str | None:
        """The URL for callbacks, if any."""

    @property
    def label(self) -> str:
        """The text that identifies the order in tests."""

    @property
    def songs(self) -> tuple[Song, ...]:
        """The ordered songs."""

    @property
    def usd(self) -> Decimal:
        """The price."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    model: str

    def as_json(self) -> dict[str, Any]:
        """The body that ordered it."""
        return self.model_dump(mode="json", exclude_unset=True)


class MinimaxOrder(_Body):
    """`minimax-music`: one song."""

    prompt: Annotated[str, Field(min_length=1, max_length=2000)]
    lyrics: Annotated[str, Field(max_length=3500)] = ""
    bitrate: Literal[32000, 60000, 64000, 128000, 256000] = 256000
    sample_rate: Literal[16000, 24000, 32000, 44100] = 44100

    @property
    def callback_url(self) -> None:
        """None: this model sends no callbacks."""

    @property
    def label(self) -> str:
        """The style."""
        return self.prompt

    @property
    def songs(self) -> tuple[Song, ...]:
        """One song."""
        bitrate = _ENCODED_AS.get(self.bitrate, self.bitrate)
        return (Song(self.prompt, self.lyrics, "mp3", self.sample_rate, bitrate),)

    @property
    def usd(self) -> Decimal:
        """30 credits."""
        return Decimal("0.30")


class SunoOrder(_Body):
    """The suno models: two songs. `prompt` holds the lyrics, or else `gpt_description_prompt` a description."""

    gpt_description_prompt: Annotated[str, Field(min_length=1, max_length=400)] | None = None
    prompt: Annotated[str, Field(min_length=1, max_length=5000)] | None = None
    style: Annotated[str, Field(max_length=1000)] = ""
    title: Annotated[str, Field(max_length=80)] = ""
    make_instrumental: bool = False
    callback_url: str | None = None

    @property
    def label(self) -> str:
        """The style, or the description."""
        return self.gpt_description_prompt or self.style

    @property
    def songs(self) -> tuple[Song, ...]:
        """Two songs with the same lyrics."""
        return Song(self.label, self.prompt or ""), Song(f"{self.label} once more", self.prompt or "")

    @property
    def usd(self) -> Decimal:
        """10 credits."""
        return Decimal("0.10")


def _is_wide(model: str) -> bool:
    """Whether a model accepts the longer texts of version 4.5 and later."""
    named = _VERSION.match(model)
    version = (int(named[1]), int(named[2] or 0)) if named else None
    return model.startswith("chirp-") and (version is None or version >= _WIDER_SINCE)


def read_music_order(body: object) -> MusicOrder:
    """The valid order in a JSON body; raises `BadOrderError` with the first wrong field."""
    model = body.get("model") if isinstance(body, dict) else None
    if not isinstance(model, str) or not (model == "minimax-music" or model.startswith(SUNO)):
        raise BadOrderError("model: expected minimax-music or a suno model")
    try:
        return MinimaxOrder.model_validate(body) if model == "minimax-music" else _read_suno_order(body)
    except ValidationError as error:
        raise BadOrderError(first_wrong_field(error)) from None


def _read_suno_order(body: object) -> SunoOrder:
    order = SunoOrder.model_validate(body)
    if not _is_wide(order.model) and (len(order.prompt or "") > 3000 or len(order.style) > 200):
        raise BadOrderError(f"prompt, style: {order.model} takes at most 3000 and 200 characters")
    if (order.prompt is None) == (order.gpt_description_prompt is None):
        raise BadOrderError("prompt, gpt_description_prompt: expected one of them")
    return order
