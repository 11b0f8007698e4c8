"""API in One: a paid call that returns a task id or the song itself, and two documented routes for a task's state. A
suno order makes two songs.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from pydantic import JsonValue

from fermata.adapters.providers.audio_places import bodies_in, entries_in, has_link_beside
from fermata.adapters.providers.tasks.ids import task_in
from fermata.adapters.providers.tasks.polled_task import TaskReader, song_of
from fermata.adapters.providers.tasks.state import audio_at, finished_songs, has_failed, offered_songs, stage_of
from fermata.adapters.providers.tasks.words import Stage, stage_of_word
from fermata.domain.providers.answers import (
    LEAST_CODE_OF_ITS_OWN,
    LEAST_ERROR_CODE,
    PROVIDER_ERROR,
    RATE_LIMITED,
    UNKNOWN_OUTCOME,
    Ruling,
    describe,
    failure_of,
    member,
    read_id,
    read_number,
    refusal,
    says_itself,
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
from fermata.domain.providers.failures import FailureClass

_NAME: Final = "API in One"
_CREATE_PATH: Final = "/api/v1/audio/music"
_SUNO: Final = ("suno", "chirp-")
"""Prefixes of the suno models; the vendor's page uses both."""
# `id` comes last, because it may belong to a song.
_TASK_NAMES: Final = ("task_id", "taskId", "work_id", "generation_id", "id")

CREATE_STATUSES: Final[Mapping[int, Ruling]] = {
    **dict.fromkeys((HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY), refusal(FailureClass.INVALID_REQUEST)),
    **dict.fromkeys((HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN), refusal(FailureClass.AUTH)),
    HTTPStatus.PAYMENT_REQUIRED: refusal(FailureClass.OUT_OF_CREDIT),
    HTTPStatus.NOT_FOUND: refusal(FailureClass.NOT_FOUND),
    HTTPStatus.TOO_MANY_REQUESTS: RATE_LIMITED,
}
_TASKS: Final = TaskReader(_NAME)
# Only 401 has a documented meaning; for the others, the message names the cause.
_EXPLAINED_BY_MESSAGE: Final = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY}
)
_MEANINGS_BY_MESSAGE: Final = (
    (re.compile(r"insufficient|not enough|balance|credits?\b|quota", re.IGNORECASE), FailureClass.OUT_OF_CREDIT),
    (re.compile(r"sensitive|moderat|prohibited|content policy", re.IGNORECASE), FailureClass.CONTENT_REFUSED),
)


class ApiinoneProvider:
    """API in One's dialect of `/api/v1/audio/music` for `minimax-music` and the suno models."""

    blocking: Final = False

    def start_call(self, order: SongOrder) -> UpstreamCall:
        """The paid call; a suno model gets the lyrics, or else a description of the song."""
        fields = _suno_fields(order) if order.upstream_model.startswith(_SUNO) else _minimax_fields(order)
        return UpstreamCall("POST", _CREATE_PATH, body={"model": order.upstream_model, **fields})

    def read_start(self, answer: UpstreamAnswer) -> StartOutcome:
        """The task or the song itself, or the failure, by the body's code first, then by the HTTP status."""
        if answer.begins_as_audio:
            return AudioIsAnswer()
        code = _error_code(answer)
        if answer.document is None or code is not None:
            return _refused_create(answer, code)
        if has_failed(answer.document) or stage_of_word(member(answer.document, "code")) is Stage.FAILED:
            return _TASKS.failed_task(answer)
        return _direct_song_or_task(answer) or _nothing_in(answer)

    def poll_call(self, task_id: str) -> UpstreamCall:
        """The free call for a task's state on the general route, with the music route as the alternative."""
        feed = UpstreamCall("GET", f"{_CREATE_PATH}/feed", query={"task_id": task_id})
        return UpstreamCall("GET", f"/api/v1/tasks/{quote(task_id, safe='')}", instead=feed)

    def read_poll(self, answer: UpstreamAnswer, asked: AskedTask = ANY_TASK) -> PollOutcome:
        """The songs, the task's failure, a task that still runs, or trouble with the poll itself."""
        return _TASKS.read_poll(answer, asked)


PROVIDER: Final[Provider] = ApiinoneProvider()


def _minimax_fields(order: SongOrder) -> dict[str, JsonValue]:
    lyrics: dict[str, JsonValue] = {"lyrics": order.lyrics} if order.lyrics else {}
    return {"prompt": order.prompt, **lyrics, "bitrate": order.bitrate, "sample_rate": order.sample_rate}


def _suno_fields(order: SongOrder) -> dict[str, JsonValue]:
    callback: dict[str, JsonValue] = {"callback_url": order.callback_url} if order.callback_url else {}
    if not order.lyrics:
        return {"gpt_description_prompt": order.prompt, "make_instrumental": order.instrumental, **callback}
    style_and_title = (("style", order.prompt), ("title", order.title))
    named: dict[str, JsonValue] = {name: text for name, text in style_and_title if text}
    return {"prompt": order.lyrics, **named, "make_instrumental": False, **callback}


def _error_code(answer: UpstreamAnswer) -> int | None:
    """The error code in the body, else the HTTP status where it is an error."""
    reported = read_number(member(answer.document, "code"))
    for code in (reported, answer.http_status):
        if code is not None and code >= LEAST_ERROR_CODE:
            return code
    return None


def _direct_song_or_task(answer: UpstreamAnswer) -> AudioAt | AudioInAnswer | TaskStarted | None:
    document, task = answer.document, task_in(answer.document, _TASK_NAMES)
    unfinished = stage_of(document) is Stage.RUNNING or (task is not None and entries_in(document))
    songs = finished_songs(document) or (None if unfinished else audio_at(document))
    asked = None if task is not None and _may_belong_to_song(task.task_id, document) else task
    return song_of(asked, songs, answer) or task or offered_songs(document)


def _may_belong_to_song(found_id: str, document: JsonValue) -> bool:
    """Whether an id may belong to a song, which no route returns: it is `id` beside a link."""
    return any(read_id(body.get("id")) == found_id and has_link_beside(body) for body in bodies_in(document))


def _nothing_in(answer: UpstreamAnswer) -> Refused:
    if member(answer.document, "error"):
        return _refused(answer, PROVIDER_ERROR)
    if not isinstance(answer.document, dict):
        return _unreadable(answer)
    found = f"expected a task id or a link from {_NAME}, found neither (HTTP {answer.http_status})"
    return Refused(failure_of(answer, UNKNOWN_OUTCOME, found))


def _refused_create(answer: UpstreamAnswer, code: int | None) -> Refused:
    if answer.http_status == HTTPStatus.TOO_MANY_REQUESTS:
        return _refused(answer, RATE_LIMITED, code)
    if answer.document is None or code is None:
        return _unreadable(answer)
    ruling = CREATE_STATUSES.get(code, UNKNOWN_OUTCOME if code < LEAST_CODE_OF_ITS_OWN else PROVIDER_ERROR)
    if code in _EXPLAINED_BY_MESSAGE:
        said = _TASKS.said(answer)
        ruling = next(
            (refusal(meaning) for words, meaning in _MEANINGS_BY_MESSAGE if says_itself(words, said, answer)), ruling
        )
    return _refused(answer, ruling, code)


def _refused(answer: UpstreamAnswer, ruling: Ruling, code: int | None = None) -> Refused:
    reported = None if code is None or read_number(member(answer.document, "code")) != code else str(code)
    return Refused(failure_of(answer, ruling, describe(_NAME, answer, _TASKS.said(answer), reported), reported))


def _unreadable(answer: UpstreamAnswer) -> Refused:
    return Refused(unreadable(_NAME, answer))
