"""AIML API's task family: a paid call that returns a task id, and a free one that returns the task's state."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from pydantic import JsonValue

from fermata.adapters.providers.aimlapi_errors import CREATE_STATUSES, NAME, error_words, refused_by
from fermata.adapters.providers.aimlapi_lyrics import with_accompaniment
from fermata.adapters.providers.aimlapi_usage import with_usage
from fermata.adapters.providers.audio_places import bodies_in
from fermata.adapters.providers.audio_setting import audio_setting
from fermata.adapters.providers.tasks.ids import task_in
from fermata.adapters.providers.tasks.polled_task import POLL_STATUSES, TaskReader, song_of, told_status
from fermata.adapters.providers.tasks.state import audio_at, finished_songs, has_failed, offered_songs, stage_of
from fermata.adapters.providers.tasks.words import Stage, stage_of_word
from fermata.domain.providers.answers import (
    CODE_LIMIT,
    PROVIDER_ERROR,
    UNKNOWN_OUTCOME,
    Ruling,
    describe,
    failure_of,
    member,
    read_error_status,
    read_words,
    told_http_status,
    unreadable,
)
from fermata.domain.providers.calls import (
    ANY_TASK,
    AskedTask,
    AudioAt,
    AudioInAnswer,
    AudioIsAnswer,
    PollOutcome,
    Provider,
    Refused,
    SongOrder,
    StartOutcome,
    TaskStarted,
    UpstreamAnswer,
    UpstreamCall,
)

_PATH: Final = "/v2/generate/audio"
_TASK_NAMES: Final = ("id", "generation_id", "task_id", "taskId")

# AIML API answers 403 when out of credit, also to polls right after the last credits paid for the song.
_OUT_OF_CREDIT: Final[Mapping[int, Ruling]] = {
    HTTPStatus.FORBIDDEN: Ruling(CREATE_STATUSES[HTTPStatus.FORBIDDEN].failure_class)
}
_TASKS: Final = TaskReader(NAME, {**POLL_STATUSES, **_OUT_OF_CREDIT}, id_is_the_tasks=True)


class AimlapiProvider:
    """AIML API's dialect of `/v2/generate/audio`, for every model that runs as a task."""

    blocking: Final = False

    def start_call(self, order: SongOrder) -> UpstreamCall:
        """The paid call, with the fields that the order's model takes."""
        fields = _FIELDS.get(order.upstream_model, _cover_fields if order.reference else _minimax_fields)(order)
        return UpstreamCall("POST", _PATH, body={"model": order.upstream_model, **fields})

    def read_start(self, answer: UpstreamAnswer) -> StartOutcome:
        """The task or the song itself with what it took, or the failure. A task id counts even where other parts of
        the answer look wrong.
        """
        return with_usage(self._read_start(answer), answer)

    def _read_start(self, answer: UpstreamAnswer) -> StartOutcome:
        if answer.begins_as_audio and answer.http_status != HTTPStatus.TOO_MANY_REQUESTS:
            return AudioIsAnswer()
        if answer.document is None:
            return _refused_create(answer, answer.http_status)
        status = _error_status(answer)
        was_accepted = _was_accepted(answer.document)
        if status is not None and not was_accepted:
            return _refused_create(answer, status)
        if has_failed(answer.document):
            return _task_failed(answer)
        is_refusal = told_status(answer.document) is not None and not was_accepted
        started = None if is_refusal else _song_or_task(answer)
        return started or _lone_song(answer.document) or _no_task_in(answer, status)

    def poll_call(self, task_id: str) -> UpstreamCall:
        """The free call for a task's state."""
        return UpstreamCall("GET", _PATH, query={"generation_id": task_id})

    def read_poll(self, answer: UpstreamAnswer, asked: AskedTask = ANY_TASK) -> PollOutcome:
        """The song, the task's failure, a task that still runs, or trouble with the poll itself."""
        return _TASKS.read_poll(answer, asked)


PROVIDER: Final[Provider] = AimlapiProvider()


def _minimax_fields(order: SongOrder) -> dict[str, JsonValue]:
    texts = (("prompt", order.prompt), ("lyrics", order.lyrics))
    switches = (("lyrics_optimizer", order.auto_lyrics), ("is_instrumental", order.instrumental))
    # Models that take a recording name this field `sample_rate`.
    audio: dict[str, JsonValue] = {
        "audio_sample_rate": order.sample_rate,
        "bitrate": order.bitrate,
        "format": order.audio_format,
    }
    return {
        **{name: text for name, text in texts if text},
        "audio_setting": audio,
        **{name: True for name, on in switches if on},
    }


def _reference_fields(order: SongOrder) -> dict[str, JsonValue]:
    # The field `prompt` holds the lyrics.
    link = order.reference.url if order.reference else ""
    return {"prompt": with_accompaniment(order.lyrics), "reference_audio_url": link}


def _cover_fields(order: SongOrder) -> dict[str, JsonValue]:
    lyrics: dict[str, JsonValue] = {"lyrics": order.lyrics} if order.lyrics else {}
    link = order.reference.url if order.reference else ""
    return {"prompt": order.prompt, **lyrics, "reference_audio_url": link, "audio_setting": audio_setting(order)}


def _prompt_field(order: SongOrder) -> dict[str, JsonValue]:
    return {"prompt": order.prompt}


def _prompt_and_length(order: SongOrder) -> dict[str, JsonValue]:
    length: dict[str, JsonValue] = {"music_length_ms": order.duration_ms} if order.duration_ms else {}
    return {"prompt": order.prompt, **length}


_FIELDS: Final[Mapping[str, Callable[[SongOrder], dict[str, JsonValue]]]] = {
    "minimax-music": _reference_fields,
    "elevenlabs/eleven_music": _prompt_and_length,
    **dict.fromkeys(("google/lyria2", "stable-audio"), _prompt_field),
}
"""Models whose request body differs from that of `minimax/music-*` and its covers."""


def _error_status(answer: UpstreamAnswer) -> int | None:
    reported = told_http_status(answer.document)
    return reported if reported is not None else read_error_status(answer.http_status)


def _was_accepted(document: JsonValue) -> bool:
    """Whether a known status word shows that the order was accepted; an error beside it does not change that."""
    words = (member(body, "status") for body in bodies_in(document))
    return any(stage_of_word(word) in (Stage.RUNNING, Stage.DONE) for word in words)


def _song_or_task(answer: UpstreamAnswer) -> AudioAt | AudioInAnswer | TaskStarted | None:
    task = task_in(answer.document, _TASK_NAMES)
    return song_of(task, finished_songs(answer.document), answer) or task


def _lone_song(document: JsonValue) -> AudioAt | None:
    """The song of an answer that names no task, unless the answer says that the song is unfinished."""
    if told_status(document) is not None:
        return None
    return offered_songs(document) if stage_of(document) is Stage.RUNNING else audio_at(document)


def _no_task_in(answer: UpstreamAnswer, status: int | None) -> Refused:
    if status is not None:
        return _refused_create(answer, status)
    if member(answer.document, "error"):
        return _task_failed(answer)
    if not isinstance(answer.document, dict):
        return Refused(unreadable(NAME, answer))
    found = f"expected a task id from {NAME}, found neither id nor error (HTTP {answer.http_status})"
    return Refused(failure_of(answer, UNKNOWN_OUTCOME, found))


def _refused_create(answer: UpstreamAnswer, status: int) -> Refused:
    if answer.document is None and status != HTTPStatus.TOO_MANY_REQUESTS:
        return Refused(unreadable(NAME, answer))
    return refused_by(NAME, answer, status)


def _task_failed(answer: UpstreamAnswer) -> Refused:
    code = read_words(member(answer.document, "error", "name"))[:CODE_LIMIT] or None
    return Refused(failure_of(answer, PROVIDER_ERROR, describe(NAME, answer, error_words(answer), code), code))
