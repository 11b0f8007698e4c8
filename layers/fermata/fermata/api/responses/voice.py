"""The voices of models that speak."""

from collections.abc import Iterable

from fermata.api.responses.body import Body, Url
from fermata.domain.catalogue import voices
from fermata.domain.catalogue.voices import Gender


class Voice(Body):
    """One voice, which an order names by its `id`. `language` is the BCP 47 code of the language it is made for; models
    speak other languages with it, too. What is unknown is null.
    """

    id: str
    name: str | None
    language: str | None
    gender: Gender | None
    preview_url: Url | None

    @classmethod
    def of(cls, voice: voices.Voice) -> "Voice":
        """The voice as shown to callers."""
        return cls.model_construct(
            id=voice.id,
            name=voice.name,
            language=voice.language,
            gender=voice.gender,
            preview_url=voice.preview_url,
        )


class VoiceList(Body):
    """Every voice that was asked for."""

    data: list[Voice]
    next_cursor: str | None

    @classmethod
    def of(cls, listed: Iterable[voices.Voice]) -> "VoiceList":
        """All voices on one page."""
        return cls.model_construct(data=[Voice.of(each) for each in listed], next_cursor=None)
