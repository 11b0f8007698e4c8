"""The models on offer as data: what each takes, what it costs, how long it takes. Read from `catalogue.json`; no id,
limit or price lives in code.
"""

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt, model_validator

_UPSTREAM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,39}")


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Estimate(_Entry):
    """Expected seconds from the provider's start to the song: half of the jobs, and four of five."""

    p50_s: PositiveInt
    p80_s: PositiveInt

    @model_validator(mode="after")
    def _p50_comes_first(self) -> Self:
        if self.p50_s > self.p80_s:
            raise ValueError("p50_s must not be greater than p80_s")
        return self


class TextRule(_Entry):
    """Length of a text in Unicode code points, and whether it must be there."""

    min: NonNegativeInt
    max: PositiveInt
    required: bool


class Model(_Entry):
    """One model. `sample_rates` in Hz, `bitrates` in bits per second (empty where there is no choice), `cost_usd` is
    what the provider asks for one song as decimal text.

    `prompt_beside_lyrics` replaces `prompt` where lyrics are sent too. A model with a `title` rule is sent the title.
    An id that ends in `*` stands for every upstream name with that beginning that is not listed itself.
    `delivery` tells, per format, whether the provider is asked for hex text or a link. A model with `unsupported` is
    known but not offered.
    """

    id: str
    provider: str
    upstream_model: str
    prompt: TextRule
    prompt_beside_lyrics: TextRule | None = None
    lyrics: TextRule
    title: TextRule | None = None
    instrumental: bool
    auto_lyrics: bool
    formats: tuple[Literal["mp3", "wav"], ...]
    sample_rates: tuple[PositiveInt, ...]
    bitrates: tuple[PositiveInt, ...]
    delivery: Mapping[str, Literal["hex", "url"]]
    estimate: Estimate
    price_credits: PositiveInt
    cost_usd: str
    unsupported: str | None = None

    @property
    def is_family(self) -> bool:
        """Whether the id is a pattern and no model itself."""
        return self.id.endswith("*")


class Catalogue(_Entry):
    """Every model, and per provider the host names its audio links may point at (a leading dot allows subdomains)."""

    models: tuple[Model, ...]
    audio_hosts: Mapping[str, tuple[str, ...]]

    def find(self, model_id: str) -> Model | None:
        """The model of this id, listed or by its family's pattern; None where there is no such model."""
        for model in self.models:
            if model.id == model_id and not model.is_family:
                return model
        return next((found for model in self.models if (found := _by_pattern(model, model_id))), None)

    def offered_ids(self) -> tuple[str, ...]:
        """The ids a request may name, patterns included."""
        return tuple(model.id for model in self.models if model.unsupported is None)

    def with_priors(self, priors: Mapping[str, Estimate]) -> "Catalogue":
        """The same catalogue with some estimates replaced."""
        models = tuple(
            model.model_copy(update={"estimate": priors.get(model.id, model.estimate)}) for model in self.models
        )
        return self.model_copy(update={"models": models})


def _by_pattern(model: Model, model_id: str) -> Model | None:
    if not model.is_family or not model_id.startswith(model.id[:-1]):
        return None
    upstream_model = model_id.removeprefix(f"{model.provider}/")
    if not _UPSTREAM_NAME.fullmatch(upstream_model):
        return None
    return model.model_copy(update={"id": model_id, "upstream_model": upstream_model})


def read_catalogue() -> Catalogue:
    """The catalogue that ships with the package."""
    text = files("fermata").joinpath("catalogue.json").read_text(encoding="utf-8")
    return Catalogue.model_validate(json.loads(text))
