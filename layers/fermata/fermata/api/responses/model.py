"""The catalogue as callers see it: the limits, prices and estimates of models."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from fermata.api.responses.body import Body, Credits, ModelEstimate, Seconds
from fermata.domain.catalogue import models
from fermata.domain.catalogue.models import DurationRule, Format, Purpose, ReferenceFormat, ReferenceRule
from fermata.domain.catalogue.offer import example_of, inputs_of, outputs_of, voices_of
from fermata.domain.catalogue.speech import FASTEST, SLOWEST, SpeechRule
from fermata.domain.catalogue.text_rule import TextRule
from fermata.domain.catalogue.units import Kind, Unit
from fermata.domain.catalogue.view import ModelView
from fermata.domain.orders.order_request import SongRequest


class TextLimits(Body):
    """The length of a text in Unicode code points, and whether the text is required."""

    min: Annotated[int, Field(ge=0)]
    """The fewest Unicode code points."""
    max: Annotated[int, Field(ge=1)]
    """The most Unicode code points."""
    required: bool
    """Whether an order needs the text."""

    @classmethod
    def of(cls, rule: TextRule | None) -> "TextLimits | None":
        """The limits of a text's rule; None if the model does not take the text or has no separate rule for it."""
        if rule is None or not rule.is_taken:
            return None
        return cls.model_construct(min=rule.min, max=rule.max, required=rule.required)


class ReferenceLimits(Body):
    """The limits of a reference recording."""

    required: bool
    """Whether an order needs a recording."""
    min_s: Seconds | None
    """The shortest length in seconds; null if `longer_than_s` says it."""
    longer_than_s: Seconds | None
    """The length in seconds that the recording has to exceed; null if `min_s` says it."""
    max_s: Seconds
    """The longest length in seconds."""
    max_bytes: Annotated[int, Field(ge=1)]
    """The largest size in bytes."""
    formats: list[ReferenceFormat]
    """The formats that the provider reads."""
    purposes: list[Purpose]
    """The values that `purpose` may have."""

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
    """The shortest length in seconds."""
    max_s: Seconds
    """The longest length in seconds."""

    @classmethod
    def of(cls, rule: DurationRule) -> "DurationLimits":
        """The limits of a rule."""
        return cls.model_construct(min_s=rule.min_s, max_s=rule.max_s)


class SpeedLimits(Body):
    """The speeds that a voice can speak at; 1 is its own."""

    min: float
    """The slowest speed as a multiple of the voice's own."""
    max: float
    """The fastest speed as a multiple of the voice's own."""


class SpeechLimits(Body):
    """The limits of a speech."""

    spoken_text: TextLimits | None = Field(alias="text")
    """The length of the spoken text; null if the model has no rule for it."""
    voice_required: bool
    """Whether an order needs a `voice`."""
    default_voice: str | None
    """The voice of an order without one; null if there is none or the provider does not say which."""
    speed: SpeedLimits | None
    """The values that `speed` may have; null if there is no choice."""
    languages: list[str]
    """The BCP 47 codes that `language` may have; empty if there is no choice."""
    emotions: list[str]
    """The values that `emotion` may have; empty if there is no choice."""
    subtitles: bool
    """Whether the model can make subtitles."""

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
    """The limits of requests to a model."""

    prompt: TextLimits | None
    """The length of `prompt`; null if the model does not take one."""
    prompt_beside_lyrics: TextLimits | None
    """The length of `prompt` in an order with lyrics; null if it is that of `prompt`."""
    lyrics: TextLimits | None
    """The length of `lyrics`; null if the model does not take any."""
    title: TextLimits | None
    """The length of `title`; null if the model has no rule for it."""
    instrumental: bool
    """Whether the model can make a song without words."""
    auto_lyrics: bool
    """Whether the provider can write the lyrics."""
    formats: list[Format]
    """The values that `audio.format` may have."""
    sample_rates: list[int]
    """The values in Hz that `audio.sample_rate` may have; empty if there is no choice."""
    bitrates: list[int]
    """The values in bits per second that `audio.bitrate` may have; empty if there is no choice."""
    reference: ReferenceLimits | None
    """The recordings that the model takes; null if it takes none."""
    duration: DurationLimits | None
    """The lengths that can be ordered; null if the model chooses the length itself."""
    speech: SpeechLimits | None
    """The limits of a speech; null for a model that makes songs."""

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
    """A model on offer."""

    id: str
    """What an order names. An id that ends in `*` stands for a family: any name that begins like it."""
    kind: Kind
    """What it makes."""
    provider: str
    """The provider that makes it."""
    available: bool
    """Whether its provider takes orders now."""
    price_credits: Credits
    """The price of one `unit` in credits; the same as `unit_credits`."""
    unit: Unit
    """What the model is sold by: an order's song, 1,000 Unicode code points of text, or a minute of audio."""
    unit_credits: Credits
    """The price of one `unit` in credits, before your discount."""
    songs: Annotated[int, Field(ge=1)]
    """How many songs an order of the unit `song` has."""
    inputs: list[str]
    """The fields of a request that say what to make."""
    outputs: list[str]
    """The media types of its files."""
    live: bool
    """Whether a song or speech can be heard while it is made."""
    callbacks: bool
    """Whether its provider reports the end by itself; it changes nothing for you."""
    voices: Annotated[int, Field(ge=1)] | None
    """How many voices there are to choose from; null for a model without a choice."""
    hints: list[str]
    """How to write for it, where its provider says so."""
    example: SongRequest
    """A body for `POST /v1/jobs` that is accepted as it stands; only the address of a recording is a placeholder."""
    limits: ModelLimits
    """Every limit that a request can violate."""
    estimate: ModelEstimate
    """How long its songs take."""

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
            example=SongRequest.model_validate(example_of(model)),
            limits=ModelLimits.of(model),
            estimate=ModelEstimate.of(view.estimate),
        )


class ModelList(Body):
    """The models on offer."""

    data: list[Model]
    """The models, in the order that was asked for."""
    next_cursor: str | None
    """Always null: the list has one page."""

    @classmethod
    def of(cls, views: Iterable[ModelView]) -> "ModelList":
        """These models on one page."""
        return cls.model_construct(data=[Model.of(view) for view in views], next_cursor=None)
