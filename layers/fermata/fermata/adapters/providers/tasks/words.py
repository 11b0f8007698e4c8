"""The words in which providers say how far a task is, the same for every dialect that polls."""

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from pydantic import JsonValue

from fermata.domain.providers.answers import member, read_number


class Stage(Enum):
    """How far a task, or one of its songs, is."""

    RUNNING = auto()
    DONE = auto()
    FAILED = auto()


_RUNNING: Final = frozenset({
    "pending", "queued", "waiting", "submitted", "starting", "generating", "in_progress", "processing", "running",
    "streaming", "text", "first", "text_success", "first_success",
})  # fmt: skip
_DONE: Final = frozenset({
    "success", "succeed", "succeeded", "successful", "complete", "completed", "done", "finish", "finished",
    # The song was made; only the provider's own post about it failed.
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
# What such a phrase says of a task that goes on in spite of a failure, or tries again because of one.
_GOES_ON: Final = re.compile(
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
# In numbers it is MiniMax that tells how far a song is, in `data.status`.
_STILL_SYNTHESISING: Final = 1
_SYNTHESISED: Final = 2
_OUT_OF_ORDER: Final = re.compile(r"unavailable|unreachable|could not (be )?reach|timed? ?out", re.IGNORECASE)


def stage_of_word(word: JsonValue) -> Stage | None:
    """What one status word says, in any case and with any separators; None for an unknown word or no word."""
    if not isinstance(word, str):
        return None
    plain = _SEPARATORS.sub("_", word.strip()).lower()
    return _WORDS.get(plain) or (Stage.FAILED if _ends_in_failure(plain) else None)


def known_stage(*words: JsonValue) -> Stage | None:
    """What the first known of these words says; None where none is known."""
    return next((stage for word in words if (stage := stage_of_word(word))), None)


def stage_of_words(*words: JsonValue) -> Stage | None:
    """What the first known of these words says; unknown words alone mean running: never a success, never an end."""
    known = known_stage(*words)
    told = any(isinstance(word, str) and word.strip() for word in words)
    return known or (Stage.RUNNING if told else None)


def is_still_synthesising(body: JsonValue) -> bool:
    """Whether a body says of a song that it is still being made, so that what is there of it is not the whole."""
    return _STILL_SYNTHESISING in _statuses(body)


def is_synthesised(body: JsonValue) -> bool:
    """Whether a body says of its songs that they are whole."""
    return set(_statuses(body)) == {_SYNTHESISED}


def says_content_was_refused(*texts: str) -> bool:
    """Whether a failed task's words say that its content was refused, and not that the moderation is out of order."""
    said = " ".join(texts)
    return bool(_REFUSED_CONTENT.search(said)) and not _OUT_OF_ORDER.search(said)


def _ends_in_failure(phrase: str) -> bool:
    """Whether a phrase ends in a word of failure and is about that failure, not about what goes on in spite of it."""
    begins_in_failure = phrase.partition("_")[0] in _FAILURES
    return bool(_ENDS_IN_FAILURE.fullmatch(phrase)) and (begins_in_failure or not _GOES_ON.fullmatch(phrase))


def _statuses(body: JsonValue) -> list[int]:
    data = member(body, "data")
    songs = data if isinstance(data, list) else [data]
    numbers = (read_number(member(song, "status")) for song in songs)
    return [number for number in numbers if number is not None]
