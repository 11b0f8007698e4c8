"""What API in One's music endpoint accepts: the fields of its two kinds of models, at the top level of the body."""

import re
from decimal import Decimal
from typing import Annotated, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from local.simulators.recording import Song

SUNO: Final = ("suno", "chirp-")
"""How the names of the suno models begin."""
_VERSION: Final = re.compile(r"chirp-v(\d+)(?:-(\d+))?")
_WIDER_SINCE: Final = (4, 5)
# MP3 has frames of 56 and 64 kbit/s and none of 60.
_ENCODED_AS: Final = {60000: 64000}


class MusicOrder(Protocol):
    """One valid order: its songs, what bill and faults call it, and its price."""

    model: str

    @property
    def callback_url(self) -> str | None:
        """Where to tell what becomes of it, if anywhere."""

    @property
    def label(self) -> str:
        """The text by which a test finds the order again."""

    @property
    def songs(self) -> tuple[Song, ...]:
        """What is made."""

    @property
    def usd(self) -> Decimal:
        """What it costs."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    model: str


class MinimaxOrder(_Body):
    """`minimax-music`: one song."""

    prompt: Annotated[str, Field(min_length=1, max_length=2000)]
    lyrics: Annotated[str, Field(max_length=3500)] = ""
    bitrate: Literal[32000, 60000, 64000, 128000, 256000] = 256000
    sample_rate: Literal[16000, 24000, 32000, 44100] = 44100

    @property
    def callback_url(self) -> None:
        """This model tells nobody."""

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
    """The suno models: two songs. `prompt` holds the words (custom mode), else `gpt_description_prompt` the idea."""

    gpt_description_prompt: Annotated[str, Field(min_length=1, max_length=400)] | None = None
    prompt: Annotated[str, Field(min_length=1, max_length=5000)] | None = None
    style: Annotated[str, Field(max_length=1000)] = ""
    title: Annotated[str, Field(max_length=80)] = ""
    make_instrumental: bool = False
    callback_url: str | None = None

    @property
    def label(self) -> str:
        """The style, or the idea."""
        return self.gpt_description_prompt or self.style

    @property
    def songs(self) -> tuple[Song, ...]:
        """Two songs on the same words."""
        return Song(self.label, self.prompt or ""), Song(f"{self.label} once more", self.prompt or "")

    @property
    def usd(self) -> Decimal:
        """10 credits."""
        return Decimal("0.10")


def _is_wide(model: str) -> bool:
    """Whether a model takes the longer texts of 4.5 and later."""
    named = _VERSION.match(model)
    version = (int(named[1]), int(named[2] or 0)) if named else None
    return model.startswith("chirp-") and (version is None or version >= _WIDER_SINCE)


def read_music_order(body: object) -> MusicOrder:
    """The valid order in a JSON body; raises ValueError (pydantic's included) naming the first wrong field."""
    model = body.get("model") if isinstance(body, dict) else None
    if model == "minimax-music":
        return MinimaxOrder.model_validate(body)
    if not isinstance(model, str) or not model.startswith(SUNO):
        raise ValueError("model: expected minimax-music or a suno model")
    order = SunoOrder.model_validate(body)
    if not _is_wide(order.model) and (len(order.prompt or "") > 3000 or len(order.style) > 200):
        raise ValueError(f"prompt, style: {order.model} takes at most 3000 and 200 characters")
    if (order.prompt is None) == (order.gpt_description_prompt is None):
        raise ValueError("prompt, gpt_description_prompt: expected one of them")
    return order
