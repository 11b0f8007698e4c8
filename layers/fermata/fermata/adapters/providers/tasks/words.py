"""Status words of the providers' tasks, for every dialect that polls."""

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from pydantic import JsonValue

from fermata.domain.providers.answers import member, read_number


class Stage(Enum):
    """The stage of a task, or of one of its songs."""

    RUNNING = auto()
    DONE = auto()
    FAILED = auto()


_RUNNING: Final = frozenset({
    "pending", "queued", "waiting", "submitted", "starting", "generating", "in_progress", "processing", "running",
    "streaming", "text", "first", "text_success", "first_success",
})  # fmt: skip
_DONE: Final = frozenset({
    "success", "succeed", "succeeded", "successful", "complete", "completed", "done", "finish", "finished",
    # The song was made; only the provider's callback failed.
    "callback_exception",
})  # fmt: skip
_FAILURES: Final = frozenset({
    "failed", "failure", "fail", "error", "errored", "canceled", "cancelled", "rejected", "aborted", "timeout",
    "timed_out", "expired",
})  # fmt: skip
_WORDS: Final[Mapping[str, Stage]] = {
    **dict.fromkeys(_RUNNING, Stage.RUNNING),
    **dict.fromkeys(_DONE, Stage.DONE),
    **dict.fromkeys(_FAILURES, Stage.FAILED),
}
# Documented words of this form are CREATE_TASK_FAILED, GENERATE_AUDIO_FAILED and SENSITIVE_WORD_ERROR.
_ENDS_IN_FAILURE: Final = re.compile(
    r"(?!no_|not_|without_).+_(failed|failure|error|timeout|canceled|cancelled|expired|rejected)"
)
# Phrases about a task that continues despite a failure, or retries after one.
_CONTINUES: Final = re.compile(
    r".+_not_[a-z]+|(.+_)?(after|from|despite|since|upon|on|until|following|ignoring|handling"
    r"|(re_?(try|start|runn?|queu|schedul|submitt?|generat|process|connect|attempt)|repeat|recover|resum|continu)e?ing"
    r"|(re_?(tri|start|queu|schedul|submitt|attempt)|repeat|recover|resum|continu)ed)_.+"
)
_SEPARATORS: Final = re.compile(r"[\s_-]+|(?<=[a-z])(?=[A-Z])")
_REFUSED_CONTENT: Final = re.compile(
    r"sensitive|moderation|moderated|prohibited|flagged|inappropriate|nsfw|copyright"
    r"|content[ _-]?(policy|filter|violation)",
    re.IGNORECASE,
)
# MiniMax states the stage of a song as a number in `data.status`.
_STILL_SYNTHESISING: Final = 1
_SYNTHESISED: Final = 2
_OUT_OF_ORDER: Final = re.compile(r"unavailable|unreachable|could not (be )?reach|timed? ?out", re.IGNORECASE)


def stage_of_word(word: JsonValue) -> Stage | None:
    """The stage of a status word, in any case and with any separators; None for an unknown word or no word."""
    if not isinstance(word, str):
        return None
    plain = _SEPARATORS.sub("_", word.strip()).lower()
    return _WORDS.get(plain) or (Stage.FAILED if _ends_in_failure(plain) else None)


def known_stage(*words: JsonValue) -> Stage | None:
    """The stage of the first known word; None where none is known."""
    return next((stage for word in words if (stage := stage_of_word(word))), None)


def stage_of_words(*words: JsonValue) -> Stage | None:
    """The stage of the first known word. Unknown words alone mean running, never success or failure; no word means
    None.
    """
    known = known_stage(*words)
    has_word = any(isinstance(word, str) and word.strip() for word in words)
    return known or (Stage.RUNNING if has_word else None)


def is_still_synthesising(body: JsonValue) -> bool:
    """Whether a body marks a song as unfinished, so that its audio is not complete."""
    return _STILL_SYNTHESISING in _statuses(body)


def is_synthesised(body: JsonValue) -> bool:
    """Whether a body marks all its songs as complete."""
    return set(_statuses(body)) == {_SYNTHESISED}


def says_content_was_refused(*texts: str) -> bool:
    """Whether a failed task's messages say that its content was refused, not that the moderation is unavailable."""
    said = " ".join(texts)
    return bool(_REFUSED_CONTENT.search(said)) and not _OUT_OF_ORDER.search(said)


def _ends_in_failure(phrase: str) -> bool:
    """Whether a phrase ends in a failure word and means that failure, not a task that continues despite it."""
    begins_in_failure = phrase.partition("_")[0] in _FAILURES
    return bool(_ENDS_IN_FAILURE.fullmatch(phrase)) and (begins_in_failure or not _CONTINUES.fullmatch(phrase))


def _statuses(body: JsonValue) -> list[int]:
    data = member(body, "data")
    songs = data if isinstance(data, list) else [data]
    numbers = (read_number(member(song, "status")) for song in songs)
    return [number for number in numbers if number is not None]
