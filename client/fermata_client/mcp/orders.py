"""What an agent can order: the fields that make a song or a speech."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

_Model = Annotated[
    str, Field(description="An id of list_models, or `auto` for the cheapest model that can serve the order.")
]
_Title = Annotated[str | None, Field(description="The name of the file, for people.", max_length=200)]


class _Order(BaseModel):
    """An order as an agent states it. What is absent or null is left to the model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def fields(self) -> dict[str, Any]:
        """The fields that were stated, as the API takes them."""
        return self.model_dump(exclude_none=True)


class SongOrder(_Order):
    """A song. Models differ in what they need: `list_models` with a model's id shows its inputs and an example."""

    kind: Annotated[Literal["song"], Field(description="Always `song`.")]
    model: _Model = "auto"
    prompt: Annotated[str | None, Field(description="The style: genre, mood, instruments, voice.")] = None
    lyrics: Annotated[str | None, Field(description="The words, with [Verse] and [Chorus] on lines of their own.")] = (
        None
    )
    instrumental: Annotated[bool | None, Field(description="True for a song without words, where the model can.")] = (
        None
    )
    auto_lyrics: Annotated[bool | None, Field(description="True lets the provider write the words.")] = None
    duration_s: Annotated[int | None, Field(description="The wanted length in seconds, where the model takes one.")] = (
        None
    )
    title: _Title = None


class SpeechOrder(_Order):
    """A speech: a text that is spoken."""

    kind: Annotated[Literal["speech"], Field(description="Always `speech`.")]
    model: _Model = "auto"
    text: Annotated[str, Field(description="What is spoken, not how. There is no SSML.")]
    voice: Annotated[str | None, Field(description="The id of a voice of the model; list_models shows them.")] = None
    speed: Annotated[float | None, Field(description="0.5 to 2 times the voice's own speed.")] = None
    language: Annotated[str | None, Field(description="A BCP 47 code of the text, such as `de`.")] = None
    emotion: Annotated[str | None, Field(description="One of the model's emotions.")] = None
    title: _Title = None


AnyOrder = Annotated[SongOrder | SpeechOrder, Field(discriminator="kind")]
"""A song or a speech, told apart by `kind`."""
