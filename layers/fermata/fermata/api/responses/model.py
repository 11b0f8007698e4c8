"""The catalogue as callers see it: what may be asked of each model, and what it costs them."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from fermata.api.responses.body import Body, Credits, Seconds
from fermata.domain.catalogue import models
from fermata.domain.catalogue.models import Format, Purpose, ReferenceFormat, ReferenceRule, TextRule
from fermata.domain.catalogue.view import ModelView


class TextLimits(Body):
    """The length of a text in Unicode code points, and whether it must be there."""

    min: Annotated[int, Field(ge=0)]
    max: Annotated[int, Field(ge=1)]
    required: bool

    @classmethod
    def of(cls, rule: TextRule | None) -> "TextLimits | None":
        """The rule of a text; None where the model is not sent it, or has no rule of its own for it."""
        if rule is None or not rule.is_taken:
            return None
        return cls.model_construct(min=rule.min, max=rule.max, required=rule.required)


class ReferenceLimits(Body):
    """The recording that a model sings after: at least `min_s` seconds or strictly longer than `longer_than_s`, one of
    which is null, at most `max_s` seconds and at most `max_bytes` bytes.
    """

    required: bool
    min_s: Seconds | None
    longer_than_s: Seconds | None
    max_s: Seconds
    max_bytes: Annotated[int, Field(ge=1)]
    formats: list[ReferenceFormat]
    purposes: list[Purpose]

    @classmethod
    def of(cls, rule: ReferenceRule) -> "ReferenceLimits":
        """What a caller has to know of the rule."""
        return cls.model_construct(
            required=rule.required,
            min_s=rule.min_s,
            longer_than_s=rule.longer_than_s,
            max_s=rule.max_s,
            max_bytes=rule.max_bytes,
            formats=list(rule.formats),
            purposes=list(rule.purposes),
        )


class ModelLimits(Body):
    """What may be asked of a model. A text that is null is not taken, or has no rule of its own; an empty list leaves
    no choice.
    """

    prompt: TextLimits | None
    prompt_beside_lyrics: TextLimits | None
    lyrics: TextLimits | None
    title: TextLimits | None
    instrumental: bool
    auto_lyrics: bool
    formats: list[Format]
    sample_rates: list[int]
    bitrates: list[int]
    reference: ReferenceLimits | None

    @classmethod
    def of(cls, model: models.Model) -> "ModelLimits":
        """Every limit that a request can break."""
        return cls.model_construct(
            prompt=TextLimits.of(model.prompt),
            prompt_beside_lyrics=TextLimits.of(model.prompt_beside_lyrics),
            lyrics=TextLimits.of(model.lyrics),
            title=TextLimits.of(model.title),
            instrumental=model.instrumental,
            auto_lyrics=model.auto_lyrics,
            formats=list(model.formats),
            sample_rates=list(model.sample_rates),
            bitrates=list(model.bitrates),
            reference=ReferenceLimits.of(model.reference) if model.reference else None,
        )


class ModelEstimate(Body):
    """How long a model's songs take, in seconds: half of them, and four of five."""

    p50_s: Seconds
    p80_s: Seconds


class Model(Body):
    """A model on offer. An id that ends in `*` stands for a family of names."""

    id: str
    provider: str
    available: bool
    price_credits: Credits
    limits: ModelLimits
    estimate: ModelEstimate

    @classmethod
    def of(cls, view: ModelView) -> "Model":
        """The model as far as callers have to do with it."""
        model, estimate = view.model, view.estimate
        return cls.model_construct(
            id=model.id,
            provider=model.provider,
            available=view.is_available,
            price_credits=model.price_credits,
            limits=ModelLimits.of(model),
            estimate=ModelEstimate.model_construct(p50_s=estimate.p50_s, p80_s=estimate.p80_s),
        )


class ModelList(Body):
    """Every model on offer."""

    data: list[Model]
    next_cursor: str | None

    @classmethod
    def of(cls, views: Iterable[ModelView]) -> "ModelList":
        """All models on one page."""
        return cls.model_construct(data=[Model.of(view) for view in views], next_cursor=None)
