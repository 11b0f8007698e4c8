"""Subtitles as WebVTT (https://www.w3.org/TR/webvtt1/), from a provider's list of sentences with their times in ms."""

import re
from collections.abc import Sequence
from typing import Final

from pydantic import JsonValue

_LINE_ENDS: Final = re.compile(r"[\r\n\u0085\u2028\u2029]+")
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\0": "\ufffd"})
_MS_AN_HOUR: Final = 3_600_000
_LATEST_MS: Final = 1000 * _MS_AN_HOUR


def webvtt(sentences: Sequence[JsonValue]) -> str | None:
    """The cues of the sentences, in order and to the millisecond; None if one has no text or no times that a cue can
    have. A sentence without a length or with blank text has no cue.
    """
    cues = []
    for sentence in sentences:
        if not isinstance(sentence, dict):
            return None
        text, begin, end = sentence.get("text"), _ms(sentence.get("time_begin")), _ms(sentence.get("time_end"))
        if not isinstance(text, str) or begin is None or end is None or end < begin:
            return None
        # A blank line would end the cue.
        shown = _LINE_ENDS.sub("\n", text.strip()).translate(_ESCAPES)
        lines = [line for line in shown.split("\n") if line.strip()]
        if lines and end > begin:
            cues.append("\n".join([f"{_clock(begin)} --> {_clock(end)}", *lines]))
    return "\n\n".join(["WEBVTT", *cues]) + "\n"


def _ms(moment: JsonValue) -> int | None:
    if isinstance(moment, bool) or not isinstance(moment, int | float):
        return None
    return round(moment) if 0 <= moment < _LATEST_MS else None


def _clock(ms: int) -> str:
    hours, rest = divmod(ms, _MS_AN_HOUR)
    return f"{hours:02}:{rest // 60_000:02}:{rest // 1000 % 60:02}.{rest % 1000:03}"
