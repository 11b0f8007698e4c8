"""What a caller needs to order from a model: the fields that it takes, the files that it makes, and one request."""

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

from fermata.domain.audio.container import MP3, WAV
from fermata.domain.catalogue.models import Format, Model
from fermata.domain.catalogue.speech import SpeechRule
from fermata.domain.catalogue.voices import shipped_voices

_MEDIA_TYPES: Final[Mapping[Format, str]] = {"mp3": MP3.content_type, "wav": WAV.content_type}

_PROMPT: Final = "warm indie folk, acoustic guitar, rainy evening"
_LYRICS: Final = "[Verse]\nRain on the window\n[Chorus]\nStay a while"
_RECORDING: Final = "https://example.com/recording.mp3"
_LENGTH_S: Final = 60
_TEXT: Final = "Rain on the window. Stay a while."


def inputs_of(model: Model) -> tuple[str, ...]:
    """The fields of a request that say what the model shall make, as far as it takes them."""
    if model.speech is not None:
        return _inputs_of_speech(model.speech)
    taken = {
        "prompt": model.prompt.is_taken,
        "lyrics": model.lyrics.is_taken,
        "instrumental": model.instrumental,
        "auto_lyrics": model.auto_lyrics,
        "reference": model.reference is not None,
        "duration_s": model.duration is not None,
        "title": model.title is not None and model.title.is_taken,
    }
    return tuple(name for name, is_taken in taken.items() if is_taken)


def _inputs_of_speech(rule: SpeechRule) -> tuple[str, ...]:
    choices = {
        "speed": rule.speed,
        "language": bool(rule.languages),
        "emotion": bool(rule.emotions),
        "subtitles": rule.subtitles,
    }
    return ("text", "voice", *(name for name, is_taken in choices.items() if is_taken))


def voices_of(model: Model) -> int | None:
    """The number of shipped voices to choose from; None for a model without a choice."""
    return len(shipped_voices().get(model.speech.voices, ())) or None if model.speech else None


def outputs_of(model: Model) -> tuple[str, ...]:
    """The media types of the files that a request may ask the model for."""
    return tuple(_MEDIA_TYPES[each] for each in model.formats)


def example_of(model: Model) -> Mapping[str, JsonValue]:
    """A request that the model accepts as it stands. A recording's address is a placeholder: the order is accepted, and
    its job fails without a purchase if no recording is there.
    """
    example: dict[str, JsonValue] = {"model": model.known_name or model.id}
    if model.speech is not None:
        example["text"] = _TEXT
        if model.speech.voice_required:
            example["voice"] = shipped_voices()[model.speech.voices][0].id
    if model.prompt.is_taken:
        example["prompt"] = _PROMPT
    if model.lyrics.is_taken:
        example["lyrics"] = _LYRICS
    if model.reference and model.reference.required:
        example["reference"] = {"audio_url": _RECORDING}
    if model.duration:
        example["duration_s"] = min(max(_LENGTH_S, model.duration.min_s), model.duration.max_s)
    if "mp3" not in model.formats:
        example["audio"] = {"format": model.formats[0]}
    return example
