"""The body of `POST /v1/jobs`: its shape, and the chosen model's limits. All errors of a body are reported at once."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    WithJsonSchema,
)

from fermata.domain.catalogue.models import MAX_PRICE_CREDITS, Catalogue, Model
from fermata.domain.catalogue.units import Kind
from fermata.domain.orders.chain import MAX_FALLBACKS
from fermata.domain.orders.references import MAX_URL_CHARACTERS, ReferenceRequest, what_the_rule_refuses, wrong_names
from fermata.domain.orders.speech_request import (
    Choice,
    FoundVoices,
    Language,
    Speed,
    VoiceId,
    none_found,
    what_a_singer_refuses,
    what_a_speaker_refuses,
)
from fermata.domain.orders.text_limits import wrong_choice, wrong_text
from fermata.domain.web.json_body import read_body
from fermata.domain.web.safe_url import NO_TRUSTED_ORIGINS, WEBHOOK_LINK_RULE, TrustedOrigins, is_public_link
from fermata.domain.web.whole_number import WholeNumber
from fermata.errors import FieldError, InvalidRequestError

AUTO: Final = "auto"
"""The `model` of a request that leaves the choice to Fermata."""

DEFAULT_SAMPLE_RATES: Final[Mapping[Kind, int]] = {"song": 44100, "speech": 32000}
"""The sample rate in Hz where a request names none."""
DEFAULT_BITRATES: Final[Mapping[Kind, int]] = {"song": 256000, "speech": 128000}
"""The bitrate in bits per second where a request names none."""
LIVE_FORMAT: Final = "mp3"
"""The only format that can be heard while it is made."""


class OnUnknown(StrEnum):
    """The caller's choice if it is unknown whether the provider charged: fail, or try a fallback although both may be
    billed.
    """

    FAIL = "fail"
    FALLBACK = "fallback"


def _whole_unicode(text: str) -> str:
    try:
        # Lone surrogates are all that UTF-8 cannot say.
        whole = b"\x00" not in text.encode()
    except UnicodeEncodeError:
        whole = False
    if not whole:
        raise ValueError("must be valid Unicode text without NUL and without lone surrogates")
    return text


_WholeUnicode: Final = AfterValidator(_whole_unicode)
Text = Annotated[StrictStr, _WholeUnicode]
ModelId = Annotated[StrictStr, Field(min_length=1, max_length=100), _WholeUnicode]
Title = Annotated[StrictStr, Field(max_length=120), _WholeUnicode]
CallbackUrl = Annotated[StrictStr, Field(min_length=1, max_length=MAX_URL_CHARACTERS)]
MetadataKey = Annotated[StrictStr, Field(min_length=1, max_length=40), _WholeUnicode]
MetadataValue = Annotated[StrictStr, Field(max_length=500), _WholeUnicode]


_UTC: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z")


def _utc(value: object) -> object:
    if isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str) and _UTC.fullmatch(value):
            moment = datetime.fromisoformat(value[:19] + "+00:00")
            fraction = value[20:-1].ljust(3, "0")[:3] if "." in value else "0"
            return moment.replace(microsecond=int(fraction) * 1000)
    except ValueError:
        pass
    raise ValueError("must be a moment in UTC as RFC 3339 writes it, for example 2026-11-21T18:30:00Z")


Moment = Annotated[
    datetime,
    BeforeValidator(_utc),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": f"^{_UTC.pattern}$"}),
]
"""An instant in UTC, kept to the millisecond."""


class _Body(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")


class AudioRequest(_Body):
    """The requested file."""

    format: Literal["mp3", "wav"] = "mp3"
    """The format of the file; mp3 by default."""
    sample_rate: Annotated[WholeNumber, Field(ge=1)] | None = None
    """The sample rate in Hz; by default 44,100 for songs and 32,000 for speech, or the provider's own if it offers no
    choice.
    """
    bitrate: Annotated[WholeNumber, Field(ge=1)] | None = None
    """The bitrate in bits per second, for mp3; by default 256,000 for songs and 128,000 for speech, or the provider's
    own if it offers no choice.
    """


class SongRequest(_Body):
    """One song or one speech as a caller orders it; the model's kind decides which. Lengths are the model's own and
    count Unicode code points.
    """

    model: ModelId
    """Which model to ask, or `auto` for the cheapest that can serve the request."""
    fallbacks: Annotated[list[ModelId], Field(max_length=MAX_FALLBACKS)] | None = None
    """Other models, asked in this order if the previous one certainly did not charge. By default those of the
    deployment, or beside `auto` the ones that Fermata chooses; an empty list means none.
    """
    on_unknown: OnUnknown = OnUnknown.FAIL
    """What to do if it is unknown whether a provider charged: `fail` (the default), or `fallback`, which asks the next
    model although both may be billed.
    """
    kind: Kind | None = None
    """What the model must make; beside `auto` a song by default."""
    max_credits: Annotated[WholeNumber, Field(ge=0, le=MAX_PRICE_CREDITS)] | None = None
    """The most that the order may cost in credits, fallbacks included; an order that could cost more is refused. No
    such bound by default.
    """
    prompt: Text = ""
    """The style of the song, in the model's number of Unicode code points; empty by default."""
    lyrics: Text = ""
    """The words of the song, in the model's number of Unicode code points; empty by default."""
    text: Text = ""
    """What is spoken, in the model's number of Unicode code points; only for speech, empty by default."""
    voice: Annotated[VoiceId, _WholeUnicode] | None = None
    """The id of a voice of the model, from `GET /v1/voices`; only for speech. By default the provider's own voice,
    where the model has one.
    """
    speed: Speed | None = None
    """How fast to speak, as a multiple of the voice's own speed; only for speech, 1 by default."""
    language: Language | None = None
    """The BCP 47 code of the language of the text; only for speech. By default the model finds out."""
    emotion: Choice | None = None
    """The emotion of the speech, one of the model's; only for speech, the model's own choice by default."""
    subtitles: StrictBool = False
    """Whether to make a second file with the times of the sentences; only for speech, false by default."""
    instrumental: StrictBool = False
    """Whether to make a song without words, where the model can; false by default."""
    auto_lyrics: StrictBool = False
    """Whether the provider writes the lyrics, where it can; false by default."""
    duration_s: Annotated[WholeNumber, Field(ge=1)] | None = None
    """The wanted length in seconds, for models that take one; by default the provider chooses, and the price of the
    longest is held.
    """
    audio: AudioRequest = AudioRequest.model_construct()
    """The file to make; MP3 by default."""
    reference: ReferenceRequest | None = None
    """The recording that the song shall follow, for models that take one; none by default."""
    title: Title | None = None
    """The name of the download, at most 120 Unicode code points; none by default."""
    live: StrictBool = False
    """Whether the song or speech can be heard while it is made, where the model can; false by default."""
    finish_by: Moment | None = None
    """The instant in UTC after which the song is not wanted: it is then not delivered and not paid. None by default."""
    callback_url: CallbackUrl | None = None
    """Where this job's end is posted: https on port 443 of a public host. By default the tenant's own endpoint."""
    metadata: Annotated[dict[MetadataKey, MetadataValue], Field(max_length=16)] = Field(default_factory=dict)
    """Names and values of your own, at most 16, that jobs, usage and lists repeat; none by default."""

    @property
    def is_auto(self) -> bool:
        """Whether Fermata chooses the model."""
        return self.model == AUTO

    def as_sent(self) -> "SongRequest":
        """This request with only those fields set that differ from their default."""
        return SongRequest.model_validate(self.model_dump(exclude_defaults=True))


def parse_song_request(
    body: bytes, catalogue: Catalogue, trusted: TrustedOrigins = NO_TRUSTED_ORIGINS, found: FoundVoices = none_found
) -> tuple[SongRequest, Model | None]:
    """Parse a body and check it against every model that it names; the model is None if Fermata chooses it. Links may
    lead to the `trusted` origins although these are not public https; on AWS there are none. `found` are voices beyond
    those that ship.

    Raises `BodyTooLargeError`, `MalformedBodyError` (not JSON) or `InvalidRequestError` (a pointer per wrong field).
    """
    request = read_song_request(body)
    model = None if request.is_auto else find_model(request.model, "/model", catalogue)
    wrong = [
        *wrong_names(request.reference, trusted.links),
        *_wrong_callback(request.callback_url, trusted.webhooks),
        *(() if model is None else (*what_the_model_refuses(request, model, found), *wrong_live(request, model))),
        *_wrong_fallbacks(request, catalogue, found),
    ]
    if wrong:
        raise InvalidRequestError(wrong)
    return request, model


def read_song_request(body: bytes) -> SongRequest:
    """The body, checked for its shape but not against a model; raises as `parse_song_request` does."""
    return read_body(body, SongRequest)


def find_model(model_id: str, pointer: str, catalogue: Catalogue) -> Model:
    """The model on offer under this id; raises `InvalidRequestError` for the field that named it."""
    model = catalogue.find(model_id)
    if model is None:
        offered = ", ".join(catalogue.offered_ids())
        raise InvalidRequestError([FieldError(pointer, f"is not a model on offer; allowed: {offered}")])
    return model


def _wrong_callback(url: str | None, trusted_origins: Collection[str]) -> Iterator[FieldError]:
    if url is not None and not is_public_link(url, trusted_origins):
        yield FieldError("/callback_url", WEBHOOK_LINK_RULE)


def can_be_heard(request: SongRequest, model: Model) -> bool:
    """Whether the request asks for a song that this model lets listeners hear while it is made. A fallback that cannot
    still makes the song.
    """
    return request.live and model.live and request.audio.format == LIVE_FORMAT


def wrong_live(request: SongRequest, model: Model) -> Iterator[FieldError]:
    """The error of a live order whose first model cannot be heard while it makes the song, or not with subtitles."""
    if not request.live:
        return
    if not model.live:
        yield FieldError("/live", f"must be false: {model.id} cannot be heard while it is made")
    elif request.audio.format != LIVE_FORMAT:
        yield FieldError("/live", f"must be false for {request.audio.format}: only mp3 can be heard while it is made")
    elif request.subtitles and model.speech is not None:
        yield FieldError(
            "/subtitles", "must be false for a live order: a stream has no subtitles; order them without live"
        )


def _wrong_fallbacks(request: SongRequest, catalogue: Catalogue, found: FoundVoices) -> Iterator[FieldError]:
    named = [request.model, *(request.fallbacks or ())]
    for position, model_id in enumerate(named[1:]):
        pointer = f"/fallbacks/{position}"
        if model_id in named[: position + 1]:
            yield FieldError(pointer, f"{model_id} is named twice; name each model once")
            continue
        try:
            model = find_model(model_id, pointer, catalogue)
        except InvalidRequestError as error:
            yield from error.fields
            continue
        for wrong in what_the_model_refuses(request, model, found):
            yield FieldError(pointer, f"{model_id} cannot serve this request: {wrong.pointer} {wrong.message}")


def what_the_model_refuses(request: SongRequest, model: Model, found: FoundVoices = none_found) -> Iterator[FieldError]:
    """An error for every field of the request that this model does not accept."""
    if request.kind not in (None, model.kind):
        yield FieldError("/kind", f"must be {model.kind} or be left out: {model.id} makes nothing else")
    if model.speech is None:
        yield from _what_a_song_may_not_have(request, model)
        yield from what_a_singer_refuses(request, model)
    else:
        yield from what_a_speaker_refuses(request, model, model.speech, found)
    yield from _audio(request.audio, model)
    if model.speech is None:
        yield from what_the_rule_refuses(request.reference, model)


def _what_a_song_may_not_have(request: SongRequest, model: Model) -> Iterator[FieldError]:
    yield from _switches(request, model)
    wordless = request.instrumental or request.auto_lyrics
    prompt = model.prompt_beside_lyrics if request.lyrics and model.prompt_beside_lyrics else model.prompt
    yield from wrong_text("/prompt", request.prompt, prompt, prompt.required or wordless, model.id)
    if wordless and request.lyrics:
        switch = "instrumental" if request.instrumental else "auto_lyrics"
        yield FieldError("/lyrics", f"must be left out when {switch} is true, because the provider would ignore them")
    else:
        required = model.lyrics.required and not wordless
        yield from wrong_text("/lyrics", request.lyrics, model.lyrics, required, model.id)
    if model.title:
        yield from wrong_text("/title", request.title or "", model.title, model.title.required, model.id)
    yield from _duration(request.duration_s, model)


def _switches(request: SongRequest, model: Model) -> Iterator[FieldError]:
    if request.instrumental and not model.instrumental:
        why = "always sings" if model.lyrics.is_taken else "has no such switch, so say it in the prompt"
        yield FieldError("/instrumental", f"must be false: {model.id} {why}")
    if request.auto_lyrics and not model.auto_lyrics:
        yield FieldError("/auto_lyrics", f"must be false: {model.id} does not write lyrics")
    if request.instrumental and request.auto_lyrics:
        yield FieldError("/auto_lyrics", "must be false when instrumental is true")


def _duration(duration_s: int | None, model: Model) -> Iterator[FieldError]:
    if duration_s is None:
        return
    rule = model.duration
    if rule is None:
        yield FieldError("/duration_s", f"must be left out: {model.id} chooses the length itself")
    elif not rule.min_s <= duration_s <= rule.max_s:
        yield FieldError("/duration_s", f"must be from {rule.min_s} to {rule.max_s} seconds, got {duration_s}")


def ordered_count(request: SongRequest, model: Model) -> int:
    """The parts of the model's unit that a valid request orders: exactly, or the most that it can become."""
    if model.unit == "minute" and model.duration is not None:
        return (request.duration_s or model.duration.max_s) * 1000
    return len(request.text) if model.unit == "1000_characters" else 1


def _audio(audio: AudioRequest, model: Model) -> Iterator[FieldError]:
    if audio.format not in model.formats:
        yield FieldError("/audio/format", "must be one of " + ", ".join(model.formats))
    without = f"must be left out: {model.id} has no choice"
    yield from wrong_choice("/audio/sample_rate", audio.sample_rate, model.sample_rates, without)
    if audio.format == "wav" and audio.bitrate is not None:
        yield FieldError("/audio/bitrate", "must be left out for wav, which has none")
    else:
        yield from wrong_choice("/audio/bitrate", audio.bitrate, model.bitrates, without)
