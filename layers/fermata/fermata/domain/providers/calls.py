"""The port to a music provider, as values: calls, answers and outcomes.

A provider module turns a `SongOrder` into an `UpstreamCall` and an answer into an outcome. It does no I/O: the HTTP
client sends calls, the staging store keeps answers, and both are the same for every provider.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Protocol, runtime_checkable

from pydantic import JsonValue

from fermata.domain.providers.failures import Failure
from fermata.errors import ConfigurationError


@dataclass(frozen=True)
class OrderedReference:
    """The reference recording in the provider's terms: our link, or the provider's own ids."""

    url: str = ""
    voice_id: str = ""
    instrumental_id: str = ""


@dataclass(frozen=True)
class Speech:
    """A text to speak. An empty `voice`, `language` or `emotion` and a `speed` of None leave the choice to the
    provider; `language` is a BCP 47 code.
    """

    text: str
    voice: str = ""
    speed: float | None = None
    language: str = ""
    emotion: str = ""
    subtitles: bool = False


@dataclass(frozen=True)
class SongOrder:
    """One song, or one `speech`, for a provider, validated against the catalogue.

    `sample_rate` is in Hz, `bitrate` in bits per second; `delivery` is `hex` or `url` if the provider offers both.
    `reference` is set for models that use a reference recording. `duration_ms` is the ordered length in ms, or 0.
    `callback_url` is the URL for the provider's posts, or empty. `live` requests a stream, so that the song is heard
    while it is made.
    """

    upstream_model: str
    prompt: str
    lyrics: str
    instrumental: bool
    auto_lyrics: bool
    audio_format: str
    sample_rate: int
    bitrate: int
    delivery: str
    title: str = ""
    reference: OrderedReference | None = None
    callback_url: str = ""
    live: bool = False
    duration_ms: int = 0
    speech: Speech | None = None

    @property
    def spoken(self) -> Speech:
        """The text of an order for a model that speaks; raises `ConfigurationError` for a song."""
        if self.speech is None:
            raise ConfigurationError(f"expected a text for {self.upstream_model}, found a song; correct the catalogue")
        return self.speech


@dataclass(frozen=True)
class Metered:
    """What a provider counted for an order: `units` in its own unit, and the amount in millionths of a USD if it states
    one. Without an amount, the units are those of the catalogue's price, in its smallest parts: characters.
    """

    units: Decimal
    micro_usd: int | None = None


@dataclass(frozen=True)
class UpstreamCall:
    """One HTTP call relative to the provider's base URL; the client adds the key. `body` is sent as JSON.

    `instead` is the same free call on another documented route, for an answer that the task is not found.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, JsonValue] | None = None
    instead: "UpstreamCall | None" = None


@dataclass(frozen=True)
class UploadCall:
    """One multipart POST relative to the provider's base URL: text fields, and one file that the client streams."""

    path: str
    fields: Mapping[str, str]
    file_field: str
    file_name: str
    content_type: str


@dataclass(frozen=True)
class StreamFacts:
    """What the events of a streamed answer say together. `events` is their number and `text_length` the length in bytes
    of the audio text of all but the last event.

    The last event is the one that marks the audio as complete, wherever it stands: `last` is its position from 0, None
    without one, and `last_length` the length of its audio text. `telling` is the document of the first event that
    reports a failure, otherwise of the last event, otherwise the latest. `flaw` says why the events cannot be read.
    """

    events: int = 0
    text_length: int = 0
    last: int | None = None
    last_length: int = 0
    telling: JsonValue = None
    flaw: str | None = None

    @property
    def whole_event(self) -> int | None:
        """The position of the event whose audio is the whole file, or None if the parts make up the file in their
        order. Providers disagree on whether the last event repeats everything; one that is shorter than the parts
        before it does not.
        """
        return self.last if self.last_length and self.last_length >= self.text_length else None

    @property
    def has_audio(self) -> bool:
        """Whether any event has audio."""
        return self.text_length + self.last_length > 0


@dataclass(frozen=True)
class UpstreamAnswer:
    """A complete HTTP answer without its audio text.

    `document` is the parsed JSON in which the empty string replaces the audio text at `$.data.audio` (or
    `$.result.data.audio`), or None if the body is not one whole JSON document (`flaw` then says why: empty, HTML, not
    JSON, cut short, two documents, too large...).
    `text_length` is the length of that text in bytes, None without such a text or if it is a link;
    `text_begins_as_audio` is whether it begins as hex or base64 of a known audio file.
    `begins_as_audio` is whether the body begins as a known audio file. `retry_after_s` is the parsed `Retry-After`
    header, `trace_id` the provider's trace id in the headers. `ordered` are the texts of the order, which the provider
    may quote in its messages. `stream` is set if the body is a stream of events; the other fields then describe its
    first event.
    """

    http_status: int
    content_type: str
    document: JsonValue
    flaw: str | None = None
    text_length: int | None = None
    text_begins_as_audio: bool = False
    retry_after_s: int | None = None
    begins_as_audio: bool = False
    ordered: tuple[str, ...] = ()
    stream: StreamFacts | None = None
    trace_id: str | None = None


@dataclass(frozen=True)
class AudioInAnswer:
    """The song is in the staged answer, as hex or base64 text at `$.data.audio` or `$.result.data.audio`. `task_id` is
    the task that can be polled for it, too, if the answer names one; `trace_id` is the provider's trace id of the
    answer. `metered` is what the provider counted, and `subtitles` its link to them, if the answer has these.
    """

    task_id: str | None = None
    trace_id: str | None = None
    metered: Metered | None = None
    subtitles: str | None = None


@dataclass(frozen=True)
class AudioInEvents:
    """The song is in the events of the staged answer, as text at the same places: in the event at position
    `whole_event` alone, or in all events in their order. `metered` is what the provider counted, if an event says it.
    """

    whole_event: int | None = None
    trace_id: str | None = None
    metered: Metered | None = None


@dataclass(frozen=True)
class AudioIsAnswer:
    """The body of the staged answer is the audio file itself. `trace_id` is the provider's trace id of the answer."""

    trace_id: str | None = None


@dataclass(frozen=True)
class AudioAt:
    """The song is behind the signed link `url`, and further songs of the same order behind `further`; links stay
    unchanged byte for byte.

    `missing` are the 1-based positions in the provider's list of songs that failed or have no link; the links belong to
    the remaining positions in their order. `task_id` is the task that can be polled for new links, if the answer to the
    paid call names one, `trace_id` the provider's trace id of the answer. `metered` is what the provider counted, and
    `subtitles` its link to them, if the answer has these.
    """

    url: str
    further: tuple[str, ...] = ()
    missing: tuple[int, ...] = ()
    task_id: str | None = None
    trace_id: str | None = None
    metered: Metered | None = None
    subtitles: str | None = None

    @property
    def song_count(self) -> int:
        """How many songs the provider reports."""
        return 1 + len(self.further) + len(self.missing)


@dataclass(frozen=True)
class TaskStarted:
    """The provider accepted the order and works on it; `task_id` is the unencoded id for its poll route, `trace_id` the
    provider's trace id of the answer. `metered` is what the provider says that the order took, if the answer says it.
    """

    task_id: str
    trace_id: str | None = None
    metered: Metered | None = None


@dataclass(frozen=True)
class AskedTask:
    """The polled task: its id, empty if irrelevant, and its number of songs; if unknown, the most of any model."""

    task_id: str = ""
    songs: int = 2


ANY_TASK: Final = AskedTask()


@dataclass(frozen=True)
class StillRunning:
    """The task is not finished; `retry_after_s` is the provider's `Retry-After`, if any. `reported` is False if the
    answer does not report the task's state. `offered` are songs that the answer links without calling them unfinished;
    fetch them once nothing better is expected.
    """

    retry_after_s: int | None = None
    reported: bool = True
    offered: AudioAt | None = None


@dataclass(frozen=True)
class DoneWithoutLink:
    """The task reports success without a usable link yet. `failure` ends the job if no link follows."""

    failure: Failure


@dataclass(frozen=True)
class Trouble:
    """A poll's answer concerns the caller or a temporary condition, not the task: poll again. `failure` ends the job if
    no better answer follows; it may have been charged, since the order was accepted.
    """

    failure: Failure


@dataclass(frozen=True)
class Refused:
    """The provider failed or refused; the failure says whether it may have charged. As a poll's outcome, the task
    itself failed.
    """

    failure: Failure


@dataclass(frozen=True)
class UploadedReference:
    """The provider's ids of an uploaded recording; an id that it did not give is empty."""

    voice_id: str = ""
    instrumental_id: str = ""


UploadOutcome = UploadedReference | Refused
StartOutcome = AudioInAnswer | AudioInEvents | AudioIsAnswer | AudioAt | TaskStarted | Refused
PollOutcome = AudioAt | AudioInAnswer | AudioIsAnswer | StillRunning | DoneWithoutLink | Trouble | Refused


class Provider(Protocol):
    """One provider's dialect. Every method is pure."""

    @property
    def blocking(self) -> bool:
        """Whether the paid call itself returns the song, so that there is nothing to poll afterwards."""

    def start_call(self, order: SongOrder) -> UpstreamCall:
        """The paid call. Sent once per attempt."""

    def read_start(self, answer: UpstreamAnswer) -> StartOutcome:
        """The outcome of the paid call; anything undocumented is an unknown outcome."""

    def poll_call(self, task_id: str) -> UpstreamCall:
        """The free call that polls a task's state; a blocking provider raises `ConfigurationError`."""

    def read_poll(self, answer: UpstreamAnswer, asked: AskedTask = ANY_TASK) -> PollOutcome:
        """The outcome of a poll; only a final status or code of the task itself is `Refused`."""


@runtime_checkable
class ReferenceTaker(Protocol):
    """The free half of a dialect whose provider keeps recordings under ids of its own. Every method is pure."""

    def upload_call(self, purpose: str, file_name: str, content_type: str) -> UploadCall:
        """The free call that uploads a recording; `purpose` is one of the catalogue's."""

    def read_upload(self, answer: UpstreamAnswer) -> UploadOutcome:
        """The recording's ids, or a failure: never charged, and repeatable if `Failure.may_repeat`."""


@runtime_checkable
class VoiceLister(Protocol):
    """The free half of a dialect whose provider lists its voices. Every method is pure."""

    def voices_call(self) -> UpstreamCall:
        """The free call for the voices that the provider offers to everybody."""

    def read_voices(self, answer: UpstreamAnswer) -> Mapping[str, str] | None:
        """The names of the voices by their ids, or None if the answer has no such list."""
