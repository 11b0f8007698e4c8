"""Interprets answers to polls, for every dialect that polls.

A statement about the polled task may end it. A statement about the caller, or about the provider's load, is trouble:
the task was bought, and it is polled again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Final

from pydantic import JsonValue

from fermata.adapters.providers.audio_places import bodies_in, entries_in
from fermata.adapters.providers.tasks.owner import names_a_task, names_another_task, own_part
from fermata.adapters.providers.tasks.state import (
    failure_code,
    failure_word,
    finished_songs,
    has_code,
    has_ended,
    has_failed,
    is_running,
    offered_songs,
    stage_inside,
    stage_of,
)
from fermata.adapters.providers.tasks.words import (
    Stage,
    is_still_synthesising,
    is_synthesised,
    says_content_was_refused,
    stage_of_word,
)
from fermata.domain.providers.answers import (
    INCOMPLETE,
    LEAST_CODE_OF_ITS_OWN,
    LEAST_ERROR_CODE,
    PROVIDER_ERROR,
    TRANSIENT,
    Ruling,
    describe,
    describe_flaw,
    failure_of,
    member,
    read_number,
    read_words,
)
from fermata.domain.providers.calls import (
    ANY_TASK,
    AskedTask,
    AudioAt,
    AudioInAnswer,
    AudioIsAnswer,
    DoneWithoutLink,
    PollOutcome,
    Refused,
    StillRunning,
    TaskStarted,
    Trouble,
    UpstreamAnswer,
)
from fermata.domain.providers.failures import Failure, FailureClass
from fermata.domain.web.http_status import CLIENT_ERRORS, PASSING, SUCCESSES

_STATE: Final = "the state of a task"
_REASONS: Final = ("fail_reason", "failReason", "fail_message", "failMessage", "errorMessage", "error_message")
_CONTENT_REFUSED: Final = Ruling(FailureClass.CONTENT_REFUSED)

# No ruling claims that nothing was charged: the order was accepted, and a refused poll does not concern the charge.
POLL_STATUSES: Final[Mapping[int, Ruling]] = {
    **dict.fromkeys((HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN), Ruling(FailureClass.AUTH)),
    HTTPStatus.PAYMENT_REQUIRED: Ruling(FailureClass.OUT_OF_CREDIT),
    HTTPStatus.NOT_FOUND: Ruling(FailureClass.NOT_FOUND),
    **dict.fromkeys(PASSING, TRANSIENT),
    HTTPStatus.TOO_MANY_REQUESTS: Ruling(FailureClass.RATE_LIMITED),
}
# Messages of a busy provider, which do not concern a task.
_TEMPORARY: Final = (
    (re.compile(r"too many (requests|calls)|rate.?limit|slow down|throttl", re.IGNORECASE), FailureClass.RATE_LIMITED),
    (
        re.compile(
            r"temporar(il)?y|unavailable|try(ing)? again|retry later|later again|overload|too busy|is busy|system busy"
            r"|maintenance|high (load|demand|traffic)",
            re.IGNORECASE,
        ),
        FailureClass.TRANSIENT,
    ),
)
# A gateway in front of the provider also answers these, for reasons of its own.
_GATEWAY_STATUSES: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True)
class TaskReader:
    """Reads one dialect's answers about tasks. `provider` is its name in messages. `statuses` maps the HTTP status, or
    the status in the body, to the failure of a job that gets no better answer. `id_is_the_tasks` says that `id` is
    documented as the task's id, also beside a link.
    """

    provider: str
    statuses: Mapping[int, Ruling] = field(default_factory=lambda: POLL_STATUSES)
    id_is_the_tasks: bool = False

    def read_poll(self, answer: UpstreamAnswer, asked: AskedTask = ANY_TASK) -> PollOutcome:
        """The songs, the task's failure, a task that still runs, or trouble that says nothing about the task."""
        answer = replace(answer, document=own_part(answer.document, asked))
        document = answer.document
        if names_another_task(document, asked, id_is_the_tasks=self.id_is_the_tasks):
            found = f"expected {_STATE} from {self.provider}, found that of another task"
            return Trouble(failure_of(answer, TRANSIENT, found, "another_task"))
        songs = finished_songs(document, asked.songs)
        if songs:
            return songs
        if answer.begins_as_audio and answer.http_status in SUCCESSES:
            return AudioIsAnswer()
        reported = told_status(document)
        if answer.http_status not in SUCCESSES or not isinstance(document, dict):
            return Trouble(self._trouble(answer, reported))
        if reported is not None and stage_inside(document) is not Stage.FAILED:
            return Trouble(self._trouble(answer, reported))
        return self._state_of(answer, asked)

    def _state_of(self, answer: UpstreamAnswer, asked: AskedTask) -> PollOutcome:
        document = answer.document
        if has_failed(document, asked.songs):
            temporary = self._temporary_failure(answer)
            return Trouble(temporary) if temporary else self.failed_task(answer)
        if has_whole_text(answer):
            return AudioInAnswer()
        if has_ended(document, asked.songs):
            found = f"expected a link from {self.provider}, found a finished task without one"
            return DoneWithoutLink(failure_of(answer, INCOMPLETE, found))
        says_running = stage_of(document) is Stage.RUNNING
        return StillRunning(answer.retry_after_s, reported=says_running, offered=offered_songs(document))

    def _temporary_failure(self, answer: UpstreamAnswer) -> Failure | None:
        """The failure of an answer that contains no task and whose message is about the provider's load; None
        otherwise.
        """
        document = answer.document
        names_task = names_a_task(document) or stage_inside(document) is not None or bool(entries_in(document))
        if names_task or has_code(document):
            return None
        said = self.said(answer) or failure_word(document).replace("_", " ")
        for words, failure_class in _TEMPORARY:
            if words.search(said):
                found = describe(self.provider, answer, said, wanted=_STATE)
                return failure_of(answer, Ruling(failure_class), found)
        return None

    def failed_task(self, answer: UpstreamAnswer) -> Refused:
        """The failure of a task whose own status is failed."""
        said, code, word = self.said(answer), failure_code(answer.document), failure_word(answer.document)
        refused = says_content_was_refused(said, code or "", word)
        found = describe(self.provider, answer, said or word, code)
        return Refused(failure_of(answer, _CONTENT_REFUSED if refused else PROVIDER_ERROR, found, code))

    def said(self, answer: UpstreamAnswer) -> str:
        """The answer's message about a failure, the task's own message first."""
        document = answer.document
        inner = [body.get(name) for body in reversed(bodies_in(document)) for name in _REASONS]
        songs = [member(song, name) for song in entries_in(document) for name in _REASONS]
        errors = [
            words
            for body in reversed(bodies_in(document))
            for words in (body.get("error"), member(body, "error", "message"))
        ]
        outer = (member(document, name) for name in ("message", "msg"))
        return read_words(*inner, *songs, *errors, *(words for words in outer if not _is_success(words)))

    def _trouble(self, answer: UpstreamAnswer, reported: int | None) -> Failure:
        # HTTP 404 shows which of two routes does not know the task, so it overrules the status in the body.
        if answer.http_status == HTTPStatus.NOT_FOUND != reported:
            reported = None
        status = answer.http_status if reported is None else reported
        ruling = self.statuses.get(status) or _ruling_on_other(status)
        if answer.flaw == "HTML" and status in _GATEWAY_STATUSES:
            ruling = TRANSIENT
        code = None if reported is None else str(reported)
        readable = isinstance(answer.document, dict)
        found = describe(self.provider, answer, self.said(answer), code, wanted=_STATE) if readable else ""
        return failure_of(answer, ruling, found or describe_flaw(self.provider, answer), code)


def told_status(document: JsonValue) -> int | None:
    """The error code in an answer's body, an HTTP status or one of the provider's own; None where there is none."""
    places = [member(document, name) for name in ("statusCode", "status_code", "code", "status")]
    places += [member(document, "error", name) for name in ("statusCode", "code", "status")]
    codes = (read_number(place) for place in places)
    return next((code for code in codes if code is not None and code >= LEAST_ERROR_CODE), None)


def song_of(task: TaskStarted | None, songs: AudioAt | None, answer: UpstreamAnswer) -> AudioAt | AudioInAnswer | None:
    """The songs of an answer to the paid call, or the song in its text, with the id of the task that can be polled for
    them again.
    """
    found = songs or (AudioInAnswer() if has_whole_text(answer) else None)
    return replace(found, task_id=task.task_id) if found and task else found


def has_whole_text(answer: UpstreamAnswer) -> bool:
    """Whether the answer holds a song as text, and no status word or number says that it is unfinished."""
    document = answer.document
    if not answer.text_begins_as_audio or is_running(document) or is_still_synthesising(document):
        return False
    return is_synthesised(document) or stage_of(document) not in (Stage.RUNNING, Stage.FAILED)


def _ruling_on_other(status: int) -> Ruling:
    of_the_request = status in CLIENT_ERRORS or status >= LEAST_CODE_OF_ITS_OWN
    return PROVIDER_ERROR if of_the_request else TRANSIENT


def _is_success(words: JsonValue) -> bool:
    return stage_of_word(words) is Stage.DONE or words == "ok"
