"""The request body of speech that MiniMax and AIML API share."""

from pydantic import JsonValue

from fermata.adapters.providers.audio_setting import audio_setting
from fermata.adapters.providers.speech.languages import LANGUAGE_BOOST
from fermata.domain.providers.calls import SongOrder


def speech_body(order: SongOrder) -> dict[str, JsonValue]:
    """Model, text, voice, language and audio file; choices that the order leaves to the provider are left out."""
    speech = order.spoken
    choices = (("voice_id", speech.voice), ("speed", speech.speed), ("emotion", speech.emotion))
    voice: dict[str, JsonValue] = {name: value for name, value in choices if value}
    body: dict[str, JsonValue] = {"model": order.upstream_model, "text": speech.text}
    if voice:
        body["voice_setting"] = voice
    if speech.language:
        body["language_boost"] = LANGUAGE_BOOST[speech.language]
    return {**body, "audio_setting": audio_setting(order)}
