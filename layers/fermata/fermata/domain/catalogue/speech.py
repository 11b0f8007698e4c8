"""The rules of models that speak."""

from decimal import Decimal
from typing import Final

from pydantic import BaseModel, ConfigDict

from fermata.domain.catalogue.text_rule import TextRule

SLOWEST: Final = Decimal("0.5")
FASTEST: Final = Decimal(2)
"""The range of `speed`; 1 is the voice's own. Every model that takes a speed takes this range."""


class SpeechRule(BaseModel):
    """What a model that speaks takes. `voices` names a list of `voices.json`. Without a voice in the request, the
    provider speaks with its own, which is `default_voice` if it says so, unless `voice_required`.

    `speed` and `subtitles` say whether the model takes them. `languages` are BCP 47 codes in lower case; empty lists
    mean that there is no choice.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    text: TextRule
    voices: str
    voice_required: bool
    default_voice: str | None = None
    speed: bool
    languages: tuple[str, ...]
    emotions: tuple[str, ...]
    subtitles: bool
