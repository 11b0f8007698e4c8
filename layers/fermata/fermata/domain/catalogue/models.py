"""The models on offer, read from `catalogue.json`: inputs, price and latency. No id, limit or price is in code."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from importlib.resources import files
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    StrictInt,
    StrictStr,
    model_validator,
)

from fermata.domain.catalogue.speech import SpeechRule
from fermata.domain.catalogue.text_rule import TextRule
from fermata.domain.catalogue.units import Kind, Unit
from fermata.domain.providers.settings import ProviderSettings
from fermata.domain.providers.spending import micro_usd
from fermata.errors import ConfigurationError

_UPSTREAM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,39}")


_USD: Final = re.compile(r"\d{1,6}(\.\d{1,6})?", re.ASCII)
MAX_PRICE_CREDITS: Final = 1_000_000_000


def _usd(text: str) -> str:
    if not _USD.fullmatch(text):
        raise ValueError("must be an amount of USD, 0 or more, as text with at most six decimals, for example 0.12")
    return text


CostUsd = Annotated[StrictStr, AfterValidator(_usd)]
Format = Literal["mp3", "wav"]
ReferenceFormat = Literal["mp3", "wav", "flac"]
Purpose = Literal["song", "voice", "instrumental"]


NO_TEXT: Final = TextRule.model_construct(min=0, max=0, required=False)
"""The rule for a text that a model does not take."""


class _Entry(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")


class Estimate(_Entry):
    """Expected seconds from the provider's start to the song: median and 80th percentile."""

    p50_s: PositiveInt
    p80_s: PositiveInt

    @model_validator(mode="after")
    def _p50_comes_first(self) -> Self:
        if self.p50_s > self.p80_s:
            raise ValueError("p50_s must not be greater than p80_s")
        return self


class ReferenceRule(_Entry):
    """The rule for a reference recording: its length in seconds (at least `min_s`, or strictly longer than
    `longer_than_s`, as the provider states it), its size in bytes, and whether the provider receives a link or the ids
    of an upload.

    `purposes` are the roles that a caller may give the recording; empty if the provider does not ask.
    """

    required: bool
    min_s: PositiveInt | None = None
    longer_than_s: PositiveInt | None = None
    max_s: PositiveInt
    max_bytes: PositiveInt
    formats: tuple[ReferenceFormat, ...]
    handed_over: Literal["link", "ids"]
    purposes: tuple[Purpose, ...]

    @model_validator(mode="after")
    def _one_shortest_length(self) -> Self:
        if (self.min_s is None) is (self.longer_than_s is None):
            raise ValueError("expected either min_s or longer_than_s")
        return self

    @property
    def shortest_ms(self) -> int:
        """The shortest accepted recording in ms; recordings are measured in whole ms."""
        return (self.longer_than_s or 0) * 1000 + 1 if self.min_s is None else self.min_s * 1000


class DurationRule(_Entry):
    """The lengths in seconds that a caller may order. Without an order the provider chooses one, up to `max_s`."""

    min_s: PositiveInt
    max_s: PositiveInt


class Model(_Entry):
    """One model. `sample_rates` are in Hz, `bitrates` in bits per second (empty without a choice). `price_credits` and
    `cost_usd` (the provider's price, as decimal text) are for one `unit`; a model sold by the minute has a `duration`.

    `prompt_beside_lyrics` replaces `prompt` if lyrics are sent, too. The title is sent only with a `title` rule.
    An id that ends in `*` matches every upstream name with that prefix that is not listed itself; `known_name` is one
    that its provider is known to have. `hints` tell callers how to write for the model.
    `delivery` says, per format, whether to request hex text or a link. `dialect` names the module that speaks to the
    model if it is not the provider's own. `longest_poll_pause_s` is the longest pause in seconds between two polls of a
    song that is due. With `callbacks`, the provider posts to our callback URL when the task changes.
    `songs` is the number of songs that one order pays for; any further songs are free. With `live`, the provider
    streams the song or the speech, so that it can be heard while it is made. `speech` has the rules of a model that
    speaks.
    """

    id: str
    kind: Kind = "song"
    provider: str
    dialect: str = ""
    upstream_model: str
    known_name: str = ""
    hints: tuple[str, ...] = ()
    speech: SpeechRule | None = None
    prompt: TextRule = NO_TEXT
    prompt_beside_lyrics: TextRule | None = None
    lyrics: TextRule = NO_TEXT
    title: TextRule | None = None
    reference: ReferenceRule | None = None
    duration: DurationRule | None = None
    instrumental: bool = False
    auto_lyrics: bool = False
    formats: tuple[Format, ...]
    sample_rates: tuple[PositiveInt, ...]
    bitrates: tuple[PositiveInt, ...]
    delivery: Mapping[str, Literal["hex", "url"]]
    estimate: Estimate
    longest_poll_pause_s: PositiveInt = 15
    unit: Unit = "song"
    price_credits: NonNegativeInt
    songs: PositiveInt = 1
    cost_usd: CostUsd
    callbacks: bool = False
    live: bool = False

    @model_validator(mode="after")
    def _minutes_have_a_bound(self) -> Self:
        if self.unit == "minute" and self.duration is None:
            raise ValueError("a model sold by the minute must have a duration, whose max_s bounds its price")
        return self

    @model_validator(mode="after")
    def _speech_has_its_rules(self) -> Self:
        if (self.kind == "speech") is (self.speech is None):
            raise ValueError("a model of the kind speech must have speech, and no other model may have it")
        return self

    @property
    def spoken(self) -> str:
        """The dialect of the model's orders, for `load_provider`."""
        return self.dialect or self.provider

    @property
    def cost_micro_usd(self) -> int:
        """The provider's price of one unit, in millionths of a USD."""
        return micro_usd(Decimal(self.cost_usd))

    @property
    def speaks_for_itself(self) -> bool:
        """Whether the model speaks with the list of voices of its own provider."""
        return self.speech is not None and self.speech.voices == self.provider

    @property
    def is_family(self) -> bool:
        """Whether the id is a pattern, not a model."""
        return self.id.endswith("*")


class Price(_Entry):
    """The operator's price of one unit of a model in credits, and what the provider takes for it in USD; None keeps the
    catalogue's.
    """

    price_credits: Annotated[StrictInt, Field(ge=0, le=MAX_PRICE_CREDITS)] | None = None
    cost_usd: CostUsd | None = None


class Catalogue(_Entry):
    """Every provider with its settings, and every model on offer."""

    providers: Mapping[str, ProviderSettings]
    models: tuple[Model, ...]

    @model_validator(mode="after")
    def _every_model_has_its_provider(self) -> Self:
        missing = {model.provider for model in self.models} - set(self.providers)
        if missing:
            raise ValueError(f"providers lacks {', '.join(sorted(missing))}, whose models are on offer")
        return self

    def settings_of(self, provider: str) -> ProviderSettings:
        """How a provider is used; raises `ConfigurationError` where there is none of this id."""
        settings = self.providers.get(provider)
        if settings is None:
            raise ConfigurationError(f"the catalogue has no provider {provider!r}; add it to its providers")
        return settings

    def find(self, model_id: str) -> Model | None:
        """The model of this id, listed or by its family's pattern, or None."""
        for model in self.models:
            if model.id == model_id and not model.is_family:
                return model
        return next((found for model in self.models if (found := _by_pattern(model, model_id))), None)

    @property
    def listed_ids(self) -> frozenset[str]:
        """The ids that the catalogue lists; any other id comes from a caller and matches a family."""
        return frozenset(model.id for model in self.models if not model.is_family)

    def offered_ids(self) -> tuple[str, ...]:
        """The ids a request may name, patterns included."""
        return tuple(model.id for model in self.models)

    def longest_reference_bytes(self) -> int:
        """Size in bytes of the largest reference that any model takes; 0 if no model takes one."""
        return max((model.reference.max_bytes for model in self.models if model.reference), default=0)

    def provider_ids(self) -> tuple[str, ...]:
        """The providers of all models, each once."""
        return tuple(dict.fromkeys(model.provider for model in self.models))

    def with_priors(self, priors: Mapping[str, Estimate]) -> "Catalogue":
        """The same catalogue with some estimates replaced."""
        models = tuple(
            model.model_copy(update={"estimate": priors.get(model.id, model.estimate)}) for model in self.models
        )
        return self.model_copy(update={"models": models})

    def with_prices(self, prices: Mapping[str, Price]) -> "Catalogue":
        """The same catalogue with the operator's prices by model id; a pattern's price is that of its family."""
        return self.model_copy(update={"models": tuple(_at(prices.get(model.id), model) for model in self.models)})


def _at(price: Price | None, model: Model) -> Model:
    return model if price is None else model.model_copy(update=price.model_dump(exclude_none=True))


def _by_pattern(model: Model, model_id: str) -> Model | None:
    if not model.is_family or not model_id.startswith(model.id[:-1]):
        return None
    upstream_model = model_id.removeprefix(f"{model.provider}/")
    if not _UPSTREAM_NAME.fullmatch(upstream_model) or upstream_model.endswith("-"):
        return None
    return model.model_copy(update={"id": model_id, "upstream_model": upstream_model})


def read_catalogue() -> Catalogue:
    """The catalogue that ships with the package."""
    text = files("fermata").joinpath("catalogue.json").read_text(encoding="utf-8")
    return Catalogue.model_validate(json.loads(text))
