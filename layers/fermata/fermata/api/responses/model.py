"""The catalogue as callers see it: the limits, prices and estimates of models."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, JsonValue

from fermata.api.responses.body import Body, Credits, ModelEstimate, Seconds
from fermata.domain.catalogue import models
from fermata.domain.catalogue.models import DurationRule, Format, Purpose, ReferenceFormat, ReferenceRule
from fermata.domain.catalogue.offer import example_of, inputs_of, outputs_of, voices_of
from fermata.domain.catalogue.speech import FASTEST, SLOWEST, SpeechRule
from fermata.domain.catalogue.text_rule import TextRule
from fermata.domain.catalogue.units import Kind, Unit
from fermata.domain.catalogue.view import ModelView


class TextLimits(Body):
    """The length of a text in Unicode code points, and whether the text is required."""

    min: Annotated[int, Field(ge=0)]
    max: Annotated[int, Field(ge=1)]
    required: bool

    @classmethod
    def of(cls, rule: TextRule | None) -> "TextLimits | None":
        """The limits of a text's rule; None if the model does not take the text or has no separate rule for it."""
        if rule is None or not rule.is_taken:
            return None
        return cls.model_construct(min=rule.min, max=rule.max, required=rule.required)


class ReferenceLimits(Body):
    """The limits of a reference recording. Its duration is at least `min_s` seconds or strictly longer than
    `longer_than_s` seconds, one of which is null, and at most `max_s` seconds; its size is at most `max_bytes` bytes.
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
        """The limits of a rule that concern callers."""
        return cls.model_construct(
            required=rule.required,
            min_s=rule.min_s,
            longer_than_s=rule.longer_than_s,
            max_s=rule.max_s,
            max_bytes=rule.max_bytes,
            formats=list(rule.formats),
            purposes=list(rule.purposes),
        )


class DurationLimits(Body):
    """The lengths in seconds that `duration_s` may order."""

    min_s: Seconds
    max_s: Seconds

    @classmethod
    def of(cls, rule: DurationRule) -> "DurationLimits":
        """The limits of a rule."""
        return cls.model_construct(min_s=rule.min_s, max_s=rule.max_s)


class SpeedLimits(Body):
    """The speeds that a voice can speak at; 1 is its own."""

    min: float
    max: float


class SpeechLimits(Body):
    """The limits of a speech. Without `voice_required` the provider has a voice of its own, `default_voice` if it says
    so. `languages` are BCP 47 codes. A speed that is null, or an empty list, means that there is no choice.
    """

    spoken_text: TextLimits | None = Field(alias="text")
    voice_required: bool
    default_voice: str | None
    speed: SpeedLimits | None
    languages: list[str]
    emotions: list[str]
    subtitles: bool

    @classmethod
    def of(cls, rule: SpeechRule) -> "SpeechLimits":
        """The limits of a rule."""
        speed = SpeedLimits.model_construct(min=float(SLOWEST), max=float(FASTEST))
        return cls.model_construct(
            spoken_text=TextLimits.of(rule.text),
            voice_required=rule.voice_required,
            default_voice=rule.default_voice,
            speed=speed if rule.speed else None,
            languages=list(rule.languages),
            emotions=list(rule.emotions),
            subtitles=rule.subtitles,
        )


class ModelLimits(Body):
    """The limits of requests to a model. A text that is null is not accepted or has no separate rule; an empty list
    means that there is no choice. `speech` is null for a model that makes songs.
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
    duration: DurationLimits | None
    speech: SpeechLimits | None

    @classmethod
    def of(cls, model: models.Model) -> "ModelLimits":
        """Every limit that a request can violate."""
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
            duration=DurationLimits.of(model.duration) if model.duration else None,
            speech=SpeechLimits.of(model.speech) if model.speech else None,
        )


class Model(Body):
    """A model on offer. An id that ends in `*` stands for a family of names. `price_credits` and `unit_credits` are
    both the price of one `unit`. An order of the unit `song` has `songs` songs.

    `inputs` are the fields of a request that say what the model shall make, `outputs` the media types of its files.
    `live` is whether it can be heard while it is made, `callbacks` whether its provider reports the end by itself.
    `voices` is the number of voices to choose from, null for a model without a choice. `hints` tell how to write for
    it, and `example` is a body for `POST /v1/jobs`.
    """

    id: str
    kind: Kind
    provider: str
    available: bool
    price_credits: Credits
    unit: Unit
    unit_credits: Credits
    songs: Annotated[int, Field(ge=1)]
    inputs: list[str]
    outputs: list[str]
    live: bool
    callbacks: bool
    voices: Annotated[int, Field(ge=1)] | None
    hints: list[str]
    example: dict[str, JsonValue]
    limits: ModelLimits
    estimate: ModelEstimate

    @classmethod
    def of(cls, view: ModelView) -> "Model":
        """The model as shown to callers."""
        model = view.model
        return cls.model_construct(
            id=model.id,
            kind=model.kind,
            provider=model.provider,
            available=view.is_available,
            price_credits=model.price_credits,
            unit=model.unit,
            unit_credits=model.price_credits,
            songs=model.songs,
            inputs=list(inputs_of(model)),
            outputs=list(outputs_of(model)),
            live=model.live,
            callbacks=model.callbacks,
            voices=voices_of(model),
            hints=list(model.hints),
            example=dict(example_of(model)),
            limits=ModelLimits.of(model),
            estimate=ModelEstimate.of(view.estimate),
        )


class ModelList(Body):
    """The models on offer."""

    data: list[Model]
    next_cursor: str | None

    @classmethod
    def of(cls, views: Iterable[ModelView]) -> "ModelList":
        """These models on one page."""
        return cls.model_construct(data=[Model.of(view) for view in views], next_cursor=None)
