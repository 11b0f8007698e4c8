"""What the answer to a poll means, the same for every dialect that polls.

What an answer says of this very task ends it. What it says of the caller or of the moment is trouble: the task was
bought, and it is asked about again.
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

# No ruling says that nothing was charged: the order was accepted, and a refused poll says nothing about the bill.
POLL_STATUSES: Final[Mapping[int, Ruling]] = {
    **dict.fromkeys((HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN), Ruling(FailureClass.AUTH)),
    HTTPStatus.PAYMENT_REQUIRED: Ruling(FailureClass.OUT_OF_CREDIT),
    HTTPStatus.NOT_FOUND: Ruling(FailureClass.NOT_FOUND),
    **dict.fromkeys(PASSING, TRANSIENT),
    HTTPStatus.TOO_MANY_REQUESTS: Ruling(FailureClass.RATE_LIMITED),
}
# What a busy provider says of the moment and not of a task.
_MOMENTS: Final = (
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
# A page in front of the provider says these for reasons of its own.
_SAID_BY_PAGES_TOO: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True)
class TaskReader:
    """Reads one dialect's answers about tasks. `provider` is its name, for people; `statuses` is what an HTTP status or
    one told in the body means for a job that never hears anything better. `id_is_the_tasks` says that `id` is
    documented as the task's, also beside a link.
    """

    provider: str
    statuses: Mapping[int, Ruling] = field(default_factory=lambda: POLL_STATUSES)
    id_is_the_tasks: bool = False

    def read_poll(self, answer: UpstreamAnswer, asked: AskedTask = ANY_TASK) -> PollOutcome:
        """The songs, the task's own failure, patience, or trouble that is no news of the task."""
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
        told = told_status(document)
        if answer.http_status not in SUCCESSES or not isinstance(document, dict):
            return Trouble(self._trouble(answer, told))
        if told is not None and stage_inside(document) is not Stage.FAILED:
            return Trouble(self._trouble(answer, told))
        return self._state_of(answer, asked)

    def _state_of(self, answer: UpstreamAnswer, asked: AskedTask) -> PollOutcome:
        document = answer.document
        if has_failed(document, asked.songs):
            moment = self._of_the_moment(answer)
            return Trouble(moment) if moment else self.failed_task(answer)
        if has_whole_text(answer):
            return AudioInAnswer()
        if has_ended(document, asked.songs):
            found = f"expected a link from {self.provider}, found a finished task without one"
            return DoneWithoutLink(failure_of(answer, INCOMPLETE, found))
        told = stage_of(document) is Stage.RUNNING
        return StillRunning(answer.retry_after_s, told=told, offered=offered_songs(document))

    def _of_the_moment(self, answer: UpstreamAnswer) -> Failure | None:
        """What an answer without any task in it means whose words of failure are about how busy the provider is."""
        document = answer.document
        of_a_task = names_a_task(document) or stage_inside(document) is not None or bool(entries_in(document))
        if of_a_task or has_code(document):
            return None
        said = self.said(answer) or failure_word(document).replace("_", " ")
        for words, failure_class in _MOMENTS:
            if words.search(said):
                found = describe(self.provider, answer, said, wanted=_STATE)
                return failure_of(answer, Ruling(failure_class), found)
        return None

    def failed_task(self, answer: UpstreamAnswer) -> Refused:
        """The failure of a task that says itself that it has failed."""
        said, code, word = self.said(answer), failure_code(answer.document), failure_word(answer.document)
        refused = says_content_was_refused(said, code or "", word)
        found = describe(self.provider, answer, said or word, code)
        return Refused(failure_of(answer, _CONTENT_REFUSED if refused else PROVIDER_ERROR, found, code))

    def said(self, answer: UpstreamAnswer) -> str:
        """What the answer says in words about a failure, the task's own words first."""
        document = answer.document
        inner = [body.get(name) for body in reversed(bodies_in(document)) for name in _REASONS]
        songs = [member(song, name) for song in entries_in(document) for name in _REASONS]
        errors = [
            words
            for body in reversed(bodies_in(document))
            for words in (body.get("error"), member(body, "error", "message"))
        ]
        outer = (member(document, name) for name in ("message", "msg"))
        return read_words(*inner, *songs, *errors, *(words for words in outer if not _says_well(words)))

    def _trouble(self, answer: UpstreamAnswer, told: int | None) -> Failure:
        # The status of the route itself tells which of two routes knows the task, whatever the body says.
        if answer.http_status == HTTPStatus.NOT_FOUND != told:
            told = None
        status = answer.http_status if told is None else told
        ruling = self.statuses.get(status) or _ruling_on_other(status)
        if answer.flaw == "HTML" and status in _SAID_BY_PAGES_TOO:
            ruling = TRANSIENT
        code = None if told is None else str(told)
        readable = isinstance(answer.document, dict)
        found = describe(self.provider, answer, self.said(answer), code, wanted=_STATE) if readable else ""
        return failure_of(answer, ruling, found or describe_flaw(self.provider, answer), code)


def told_status(document: JsonValue) -> int | None:
    """The error code that an answer tells of itself: an HTTP status or one of the provider's own, None for none."""
    places = [member(document, name) for name in ("statusCode", "status_code", "code", "status")]
    places += [member(document, "error", name) for name in ("statusCode", "code", "status")]
    codes = (read_number(place) for place in places)
    return next((code for code in codes if code is not None and code >= LEAST_ERROR_CODE), None)


def song_of(task: TaskStarted | None, songs: AudioAt | None, answer: UpstreamAnswer) -> AudioAt | AudioInAnswer | None:
    """The songs of an answer to the paid call, or the song that is its text, with the task that can be asked for them
    again.
    """
    found = songs or (AudioInAnswer() if has_whole_text(answer) else None)
    return replace(found, task_id=task.task_id) if found and task else found


def has_whole_text(answer: UpstreamAnswer) -> bool:
    """Whether the answer holds a song as text of which no word and no number says that it is still being made."""
    document = answer.document
    if not answer.text_begins_as_audio or is_running(document) or is_still_synthesising(document):
        return False
    return is_synthesised(document) or stage_of(document) not in (Stage.RUNNING, Stage.FAILED)


def _ruling_on_other(status: int) -> Ruling:
    of_the_request = status in CLIENT_ERRORS or status >= LEAST_CODE_OF_ITS_OWN
    return PROVIDER_ERROR if of_the_request else TRANSIENT


def _says_well(words: JsonValue) -> bool:
    return stage_of_word(words) is Stage.DONE or words == "ok"
