"""The words in which providers say how far a task is, the same for every dialect that polls."""

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from pydantic import JsonValue


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
_SEPARATORS: Final = re.compile(r"[\s_-]+|(?<=[a-z])(?=[A-Z])")
_REFUSED_CONTENT: Final = re.compile(
    r"sensitive|moderation|moderated|prohibited|flagged|inappropriate|nsfw|copyright"
    r"|content[ _-]?(policy|filter|violation)",
    re.IGNORECASE,
)
_OUT_OF_ORDER: Final = re.compile(r"unavailable|unreachable|could not (be )?reach|timed? ?out", re.IGNORECASE)


def stage_of_word(word: JsonValue) -> Stage | None:
    """What one status word says, in any case and with any separators; None for an unknown word or no word."""
    if not isinstance(word, str):
        return None
    plain = _SEPARATORS.sub("_", word.strip()).lower()
    known = _WORDS.get(plain)
    return known or (Stage.FAILED if _ENDS_IN_FAILURE.fullmatch(plain) else None)


def stage_of_words(*words: JsonValue) -> Stage | None:
    """What the first known of these words says; unknown words alone mean running: never a success, never an end."""
    known = next((stage for word in words if (stage := stage_of_word(word))), None)
    told = any(isinstance(word, str) and word.strip() for word in words)
    return known or (Stage.RUNNING if told else None)


def says_content_was_refused(*texts: str) -> bool:
    """Whether a failed task's words say that its content was refused, and not that the moderation is out of order."""
    said = " ".join(texts)
    return bool(_REFUSED_CONTENT.search(said)) and not _OUT_OF_ORDER.search(said)
