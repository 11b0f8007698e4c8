"""The port to a music provider, as values: what is asked, what came back, and what it means.

A provider module turns a `SongOrder` into an `UpstreamCall` and an answer into an outcome. It does no I/O: the HTTP
client
sends calls, the staging store keeps answers, and both look the same for every provider.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, runtime_checkable

from pydantic import JsonValue

from fermata.domain.providers.failures import Failure


@dataclass(frozen=True)
class OrderedReference:
    """The recording that a song refers to, as the provider is told of it: our link, or the provider's own ids."""

    url: str = ""
    voice_id: str = ""
    instrumental_id: str = ""


@dataclass(frozen=True)
class SongOrder:
    """One song as a provider must understand it; validated against the catalogue before it gets here.

    `sample_rate` in Hz, `bitrate` in bits per second, `delivery` is `hex` or `url` where the provider offers both.
    `reference` is there for the models that sing after a recording.
    `callback_url` is an address that the provider posts to, empty where it should not.
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


@dataclass(frozen=True)
class UpstreamCall:
    """One HTTP call relative to the provider's base URL; the client adds the key. `body` is sent as JSON.

    `instead` asks the same on another documented route, for a free call whose answer is that the task is not found.
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
class UpstreamAnswer:
    """A complete HTTP answer with the audio text taken out.

    `document` is the parsed JSON in which the audio text at `$.data.audio` (or `$.result.data.audio`) is replaced by
    the empty string, or None where the body is not one whole JSON document (`flaw` then says why: empty, HTML, not
    JSON, cut short, two documents, too large...).
    `text_length` counts the bytes of that text, or is None where there is no such string or it is a link;
    `text_begins_as_audio` tells whether it begins to spell a known audio file in hex or base64.
    `begins_as_audio` tells whether the body begins as a known audio file does. `retry_after_s` is the parsed
    `Retry-After` header. `ordered` are the texts of the order, which the provider may repeat in what it says.
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


@dataclass(frozen=True)
class AudioInAnswer:
    """The song is in the staged answer, as hex or base64 text at `$.data.audio` or `$.result.data.audio`. `task_id` is
    the task that may be asked for it as well, where the answer names one.
    """

    task_id: str | None = None


@dataclass(frozen=True)
class AudioIsAnswer:
    """The body of the staged answer is the audio file itself."""


@dataclass(frozen=True)
class AudioAt:
    """The song can be fetched from a signed link, and `further` songs of the same order from theirs; links are passed
    on byte for byte.

    `missing` are the 1-based positions in the provider's list of songs that failed or have no link of their own; the
    links belong to the remaining positions in their order. `task_id` is the task that may be asked for new links,
    where the answer to the paid call names one.
    """

    url: str
    further: tuple[str, ...] = ()
    missing: tuple[int, ...] = ()
    task_id: str | None = None

    @property
    def song_count(self) -> int:
        """How many songs the provider says there are."""
        return 1 + len(self.further) + len(self.missing)


@dataclass(frozen=True)
class TaskStarted:
    """The provider took the order and works on it; `task_id` is what its poll route wants, unencoded."""

    task_id: str


@dataclass(frozen=True)
class AskedTask:
    """The task that a poll asks about: its id, empty where that does not matter, and how many songs it makes; where
    nobody knows that, as many as any model does.
    """

    task_id: str = ""
    songs: int = 2


ANY_TASK: Final = AskedTask()


@dataclass(frozen=True)
class StillRunning:
    """The task is not finished; `retry_after_s` is the provider's own wish, if it has one. `told` is False where the
    answer has no word about the task's state. `offered` are the songs that it links to all the same and does not call
    unfinished: to be fetched once nothing better is waited for.
    """

    retry_after_s: int | None = None
    told: bool = True
    offered: AudioAt | None = None


@dataclass(frozen=True)
class DoneWithoutLink:
    """The task calls itself done, but no usable link is there yet. `failure` is what the job ends as if that
    stays.
    """

    failure: Failure


@dataclass(frozen=True)
class Trouble:
    """A poll's answer says nothing about the task, but about the caller or the moment: ask again. `failure` is what the
    job ends as if nothing better ever comes; it may have been charged, since the order was accepted.
    """

    failure: Failure


@dataclass(frozen=True)
class Refused:
    """The provider failed or refused; the failure says whether it may have charged. As a poll's outcome: this very task
    failed.
    """

    failure: Failure


@dataclass(frozen=True)
class UploadedReference:
    """The ids under which the provider keeps an uploaded recording; empty where it gave none."""

    voice_id: str = ""
    instrumental_id: str = ""


UploadOutcome = UploadedReference | Refused
StartOutcome = AudioInAnswer | AudioIsAnswer | AudioAt | TaskStarted | Refused
PollOutcome = AudioAt | AudioInAnswer | AudioIsAnswer | StillRunning | DoneWithoutLink | Trouble | Refused


class Provider(Protocol):
    """One provider's dialect. Every method is pure."""

    @property
    def blocking(self) -> bool:
        """Whether the paid call itself returns the song, so that there is nothing to poll afterwards."""

    def start_call(self, order: SongOrder) -> UpstreamCall:
        """The paid call. Sent once per attempt."""

    def read_start(self, answer: UpstreamAnswer) -> StartOutcome:
        """What the answer to the paid call means; anything undocumented is an unknown outcome."""

    def poll_call(self, task_id: str) -> UpstreamCall:
        """The free call that asks for a task's state; a blocking provider raises `ConfigurationError`."""

    def read_poll(self, answer: UpstreamAnswer, asked: AskedTask = ANY_TASK) -> PollOutcome:
        """What the answer to a poll means; only the task's own final word or code is `Refused`."""


@runtime_checkable
class ReferenceTaker(Protocol):
    """The free half of a dialect whose provider keeps recordings under ids of its own. Every method is pure."""

    def upload_call(self, purpose: str, file_name: str, content_type: str) -> UploadCall:
        """The free call that hands over a recording; `purpose` is one of those in the catalogue."""

    def read_upload(self, answer: UpstreamAnswer) -> UploadOutcome:
        """The recording's ids, or why there are none: never charged, and repeatable where `Failure.may_repeat`."""
