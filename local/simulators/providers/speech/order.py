"""What the speech routes of all providers share: the fields of a request, and how a text is counted."""

import unicodedata
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from local.simulators.recording import Container, Song

Emotion = Literal["happy", "sad", "angry", "fearful", "disgusted", "surprised", "calm", "fluent", "whisper", "neutral"]
LONGEST_TEXT: Final = 9999


class Strict(BaseModel):
    """A JSON object. Unlike upstream, unknown fields are refused, so that misspelt options are noticed."""

    model_config = ConfigDict(extra="forbid", strict=True)


class VoiceSetting(Strict):
    """`voice_setting`."""

    voice_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    speed: Annotated[float, Field(ge=0.5, le=2)] = 1.0
    vol: Annotated[float, Field(gt=0, le=10)] = 1.0
    pitch: Annotated[int, Field(ge=-12, le=12)] = 0
    emotion: Emotion | None = None
    text_normalization: bool = False
    latex_read: bool = False


class AudioSetting(Strict):
    """`audio_setting` of speech."""

    sample_rate: Literal[8000, 16000, 22050, 24000, 32000, 44100] = 32000
    bitrate: Literal[32000, 64000, 128000, 256000] = 128000
    format: Container = "mp3"
    channel: Literal[1, 2] = 2
    force_cbr: bool = False


class PronunciationDict(Strict):
    """`pronunciation_dict`."""

    tone: list[str] = Field(default_factory=list)


class SpeechBody(Strict):
    """The fields that MiniMax and AIML API share."""

    model: str
    text: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
    voice_setting: VoiceSetting = VoiceSetting()
    audio_setting: AudioSetting = AudioSetting()
    language_boost: Annotated[str, Field(max_length=40)] = "auto"
    pronunciation_dict: PronunciationDict = PronunciationDict()

    @property
    def song(self) -> Song:
        """The speech that this request orders."""
        setting = self.audio_setting
        spoken_in_stereo = spoken(self.text, setting.format, setting.sample_rate, setting.bitrate)
        return replace(spoken_in_stereo, channels=setting.channel)


def spoken(text: str, container: Container = "mp3", sample_rate_hz: int = 32000, bitrate_bps: int = 128000) -> Song:
    """The recording of a text."""
    return Song(text, "", container, sample_rate_hz, bitrate_bps, is_speech=True)


def counted(text: str) -> int:
    """The billed characters, as MiniMax's example suggests: a wide character counts two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def usd_for(text: str, usd_per_1000: Decimal) -> Decimal:
    """The price of a text."""
    return counted(text) * usd_per_1000 / 1000
