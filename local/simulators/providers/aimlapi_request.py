"""The request fields of AIML API's models. Unlike upstream, unknown fields are refused, so that misspelt options are
noticed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from local.simulators.providers.references import COVER, RecordingRule
from local.simulators.recording import Container, Song

CREDITS_PER_USD: Final = 2_000_000
_MARK: Final = "##"
_LEGACY_RECORDING: Final = RecordingRule(longer_than_s=15)


def _marked(words: str) -> str:
    if len(words) <= 2 * len(_MARK) or not (words.startswith(_MARK) and words.endswith(_MARK)):
        raise ValueError(f"expected words between {_MARK} and {_MARK}")
    return words


MarkedWords = Annotated[str, Field(max_length=600), AfterValidator(_marked)]
"""Lyrics between the marks that request an accompaniment; the marks count as characters."""


class Body(BaseModel):
    """A JSON body."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str


class AudioSetting(BaseModel):
    """`audio_setting` of the task family, which has its own name for the rate."""

    model_config = ConfigDict(extra="forbid", strict=True)

    audio_sample_rate: Literal[16000, 24000, 32000, 44100] = 44100
    bitrate: Literal[32000, 64000, 128000, 256000] = 256000
    format: Container = "mp3"


class SongBody(Body):
    """The body of a task, with its label for the bill, its song and its recording."""

    prompt: str = ""

    @property
    def song(self) -> Song:
        """The song that this request orders."""
        return Song(self.prompt)

    @property
    def recording(self) -> str | None:
        """The link of the recording, where the model needs one."""
        return None

    @property
    def rule(self) -> RecordingRule:
        """The model's rule for recordings."""
        return _LEGACY_RECORDING


class Music20(SongBody):
    """`minimax/music-2.0`."""

    prompt: Annotated[str, Field(min_length=10, max_length=2000)]
    lyrics: Annotated[str, Field(min_length=10, max_length=3000)]
    audio_setting: AudioSetting = AudioSetting()

    @property
    def song(self) -> Song:
        """The song that this request orders."""
        setting = self.audio_setting
        return Song(self.prompt, self.lyrics, setting.format, setting.audio_sample_rate, setting.bitrate)


class Music15(Music20):
    """`minimax/music-1.5`."""

    prompt: Annotated[str, Field(min_length=10, max_length=300)]


class CoverSetting(BaseModel):
    """`audio_setting` of the cover model, with the vendor's name for the rate."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sample_rate: Literal[16000, 24000, 32000, 44100] = 44100
    bitrate: Literal[32000, 64000, 128000, 256000] = 256000
    format: Container = "mp3"


class MusicCover(SongBody):
    """`minimax/music-cover`: a cover of a recording."""

    prompt: Annotated[str, Field(min_length=10, max_length=2000)]
    lyrics: Annotated[str, Field(min_length=10, max_length=3000)] | None = None
    reference_audio_url: str
    audio_setting: CoverSetting = CoverSetting()

    @property
    def song(self) -> Song:
        """The song that this request orders."""
        setting = self.audio_setting
        return Song(self.prompt, self.lyrics or "", setting.format, setting.sample_rate, setting.bitrate)

    @property
    def recording(self) -> str | None:
        """The link of the recording."""
        return self.reference_audio_url

    @property
    def rule(self) -> RecordingRule:
        """The vendor's rule for recordings."""
        return COVER


class Music26(Music20):
    """`minimax/music-2.6`, where nothing is required."""

    prompt: Annotated[str, Field(max_length=2000)] = ""
    lyrics: Annotated[str, Field(max_length=3000)] = ""
    lyrics_optimizer: bool = False
    is_instrumental: bool = False


class LegacyMusic(SongBody):
    """`minimax-music`: the prompt holds the lyrics; the recording has music and voice."""

    prompt: MarkedWords
    reference_audio_url: str

    @property
    def song(self) -> Song:
        """The song that this request orders."""
        return Song(self.prompt, self.prompt.strip(_MARK))

    @property
    def recording(self) -> str | None:
        """The link of the recording."""
        return self.reference_audio_url


class ElevenMusic(SongBody):
    """`elevenlabs/eleven_music`."""

    prompt: Annotated[str, Field(min_length=1, max_length=2000)]
    music_length_ms: Annotated[int, Field(ge=10_000, le=300_000)] | None = None

    @property
    def song(self) -> Song:
        """The song that this request orders, as long as ordered."""
        return Song(self.prompt, ordered_s=None if self.music_length_ms is None else self.music_length_ms / 1000)


class Lyria2(SongBody):
    """`google/lyria2`, which makes WAV of 48 kHz."""

    prompt: Annotated[str, Field(min_length=1)]
    negative_prompt: str = ""
    seed: int | None = None

    @property
    def song(self) -> Song:
        """The song that this request orders."""
        return Song(self.prompt, container="wav", sample_rate_hz=48_000)


class StableAudio(SongBody):
    """`stable-audio`."""

    prompt: Annotated[str, Field(min_length=1)]
    seconds_total: Annotated[int, Field(ge=1, le=47)] | None = None
    steps: Annotated[int, Field(ge=1)] | None = None


@dataclass(frozen=True)
class TaskModel:
    """One model of the task family: its request body, and its price for a song or for a minute of it."""

    body: type[SongBody]
    usd: Decimal = Decimal("0.195")
    """The only known price of a song in this family."""
    is_by_the_minute: bool = False

    def usd_of(self, order: SongBody) -> Decimal:
        """The price of the ordered song."""
        return self.usd * Decimal(str(order.song.seconds)) / 60 if self.is_by_the_minute else self.usd

    def usage(self, order: SongBody) -> dict[str, object]:
        """The cost in the answer to an accepted order."""
        usd = self.usd_of(order)
        return {"credits_used": int(usd * CREDITS_PER_USD), "usd_spent": float(usd)}


TASK_MODELS: Final[Mapping[str, TaskModel]] = {
    "minimax-music": TaskModel(LegacyMusic, Decimal("0.0315")),
    "minimax/music-1.5": TaskModel(Music15),
    "minimax/music-2.0": TaskModel(Music20),
    "minimax/music-2.6": TaskModel(Music26),
    "minimax/music-cover": TaskModel(MusicCover),
    "elevenlabs/eleven_music": TaskModel(ElevenMusic, Decimal("1.04"), is_by_the_minute=True),
    "google/lyria2": TaskModel(Lyria2),
    "stable-audio": TaskModel(StableAudio),
}
