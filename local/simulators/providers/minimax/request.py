"""The requests of MiniMax's music endpoint: fields, models and lengths (in Unicode code points).

Unlike upstream, unknown fields are refused, so that misspelt options are noticed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from local.simulators.recording import Container, Song
from local.simulators.refusals import first_wrong_field


class AudioSetting(BaseModel):
    """`audio_setting` of a request."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sample_rate: Literal[16000, 24000, 32000, 44100] = 44100
    bitrate: Literal[32000, 64000, 128000, 256000] = 256000
    format: Container = "mp3"
    channel: Literal[1, 2] = 2


class MusicRequest(BaseModel):
    """The fields of a request; `read_music_request` checks the rules of the model."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str
    prompt: str = ""
    lyrics: str = ""
    stream: bool = False
    output_format: Literal["hex", "url"] = "hex"
    audio_setting: AudioSetting = AudioSetting()
    aigc_watermark: bool = False
    lyrics_optimizer: bool = False
    is_instrumental: bool = False
    audio_url: str | None = None
    audio_base64: str | None = None
    cover_feature_id: str | None = None
    seed: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """MiniMax's command line offers it for covers."""

    @property
    def song(self) -> Song:
        """The song that this request orders."""
        setting = self.audio_setting
        lyrics = "" if self.is_instrumental else self.lyrics
        return Song(self.prompt, lyrics, setting.format, setting.sample_rate, setting.bitrate, channels=setting.channel)

    @property
    def references(self) -> int:
        """The number of reference songs."""
        return sum(value is not None for value in (self.audio_url, self.audio_base64, self.cover_feature_id))


@dataclass(frozen=True)
class ModelRules:
    """One model: limits of its texts, its features, and the price of a song."""

    prompt: tuple[int, int]
    lyrics: tuple[int, int]
    usd: Decimal
    prompt_required: bool = False
    lyrics_required: bool = True
    instrumental: bool = False
    auto_lyrics: bool = False
    cover: bool = False


_NEWEST: Final = ModelRules((0, 2000), (1, 3500), Decimal("0.15"), instrumental=True, auto_lyrics=True)
# The price of a cover is not published; the highest known price replaces it.
_COVER: Final = ModelRules(
    (10, 300), (10, 1000), Decimal("0.15"), prompt_required=True, lyrics_required=False, cover=True
)
MODELS: Final[Mapping[str, ModelRules]] = {
    "music-1.5": ModelRules((10, 300), (10, 3000), Decimal("0.03"), prompt_required=True),
    "music-2.0": ModelRules((10, 2000), (10, 3000), Decimal("0.03"), prompt_required=True),
    "music-2.5": ModelRules((0, 2000), (1, 3500), Decimal("0.15"), auto_lyrics=True),
    "music-2.5+": _NEWEST,
    "music-2.6": _NEWEST,
    "music-3.0": _NEWEST,
    "music-2.6-free": replace(_NEWEST, usd=Decimal(0)),
    "music-cover": _COVER,
    "music-cover-free": replace(_COVER, usd=Decimal(0)),
}


class BadParametersError(ValueError):
    """A request that MiniMax refuses with 2013; the message is the reason."""


def read_music_request(body: object) -> tuple[MusicRequest, ModelRules]:
    """The valid request in a JSON body and its model's rules; raises `BadParametersError`."""
    try:
        request = MusicRequest.model_validate(body)
    except ValidationError as error:
        raise BadParametersError(first_wrong_field(error)) from None
    rules = MODELS.get(request.model, _NEWEST if request.model.startswith("music-") else None)
    if rules is None:
        raise BadParametersError("model: not supported")
    for reason in (_bad_option(request, rules), _bad_prompt(request, rules), _bad_lyrics(request, rules)):
        if reason:
            raise BadParametersError(reason)
    return request, rules


def _bad_option(request: MusicRequest, rules: ModelRules) -> str | None:
    if request.stream and (request.output_format == "url" or request.aigc_watermark):
        return "stream: only with output_format hex and without aigc_watermark"
    if request.is_instrumental and not rules.instrumental:
        return f"is_instrumental: not supported by {request.model}"
    if request.lyrics_optimizer and not rules.auto_lyrics:
        return f"lyrics_optimizer: not supported by {request.model}"
    if request.references != int(rules.cover):
        return "audio_url, audio_base64, cover_feature_id: exactly one for a cover, none otherwise"
    if request.seed is not None and not rules.cover:
        return f"seed: not supported by {request.model}"
    return None


def _bad_prompt(request: MusicRequest, rules: ModelRules) -> str | None:
    shortest, longest = rules.prompt
    if rules.prompt_required or request.is_instrumental:
        shortest = max(1, shortest)
    return _bad_length("prompt", request.prompt, shortest, longest)


def _bad_lyrics(request: MusicRequest, rules: ModelRules) -> str | None:
    if not request.lyrics and (request.is_instrumental or request.lyrics_optimizer or not rules.lyrics_required):
        return None
    return _bad_length("lyrics", request.lyrics, *rules.lyrics)


def _bad_length(name: str, text: str, shortest: int, longest: int) -> str | None:
    if shortest <= len(text) <= longest:
        return None
    return f"{name}: expected {shortest} to {longest} characters, found {len(text)}"
