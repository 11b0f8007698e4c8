"""The voices of models that speak."""

from collections.abc import Iterable

from fermata.api.responses.body import Body, Url
from fermata.domain.catalogue import voices
from fermata.domain.catalogue.voices import Gender


class Voice(Body):
    """One voice, which an order names by its `id`."""

    id: str
    """What an order names as its `voice`."""
    name: str | None
    """The name to show to people; null if it is unknown."""
    language: str | None
    """The BCP 47 code of the language that it is made for; models speak other languages with it, too. Null if it is
    unknown.
    """
    gender: Gender | None
    """The gender that the voice sounds like; null if it is unknown."""
    preview_url: Url | None
    """A link to a sample; null if there is none."""

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
    """The voices."""
    next_cursor: str | None
    """Always null: the list has one page."""

    @classmethod
    def of(cls, listed: Iterable[voices.Voice]) -> "VoiceList":
        """All voices on one page."""
        return cls.model_construct(data=[Voice.of(each) for each in listed], next_cursor=None)
