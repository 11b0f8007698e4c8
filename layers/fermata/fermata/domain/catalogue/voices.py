"""The voices of models that speak: those of `voices.json`, read when they are first needed, and those that providers
name.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

Gender = Literal["female", "male"]


class Voice(BaseModel):
    """One voice by the provider's own id. `language` is a BCP 47 code. What is unknown is None."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    id: str
    name: str | None = None
    language: str | None = None
    gender: Gender | None = None
    preview_url: str | None = None


class FoundVoices(BaseModel):
    """The voices that a provider named when it was last asked; none before."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    voices: tuple[Voice, ...] = ()
    ask_again_at: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether the provider may be asked again."""
        return self.ask_again_at is None or self.ask_again_at <= now


@cache
def shipped_voices() -> Mapping[str, tuple[Voice, ...]]:
    """The lists of voices that ship with the package, by name."""
    text = files("fermata").joinpath("voices.json").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, tuple[Voice, ...]]).validate_python(json.loads(text))


def ids_of(voices: Iterable[Voice]) -> frozenset[str]:
    """The ids of these voices."""
    return frozenset(voice.id for voice in voices)


def with_found(shipped: Iterable[Voice], found: Iterable[Voice]) -> tuple[Voice, ...]:
    """The shipped voices, then those that only the provider names. A shipped voice stays as it is, because the provider
    states neither language nor gender.
    """
    known = tuple(shipped)
    ids = ids_of(known)
    return (*known, *{each.id: each for each in found if each.id not in ids}.values())
