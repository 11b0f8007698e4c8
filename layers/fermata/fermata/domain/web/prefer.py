"""The `Prefer` header (RFC 7240); no preference ever causes a refusal."""

import re
from typing import Final

LONGEST_WAIT_S: Final = 25
"""Longest wait of a request in seconds: API Gateway gives up after 30, including the time before and after the wait."""

# Possessive throughout, so that even a header of ten thousand characters is scanned only once.
_PREFERENCE: Final = re.compile(
    r"(?:\s*+,)*+\s*+(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]++)"
    r'(?:\s*+=\s*+(?P<value>"(?:[^"\\]|\\.)*+"|[^\s,;"]*+))?+'
    r'(?:\s*+;(?:"(?:[^"\\]|\\.)*+"|[^,"])*+)?+\s*+(?:,|$)'
)
_SECONDS: Final = re.compile(r"0*+(?P<first>[0-9]{0,3})[0-9]*+")
"""The first three digits of a longer number already exceed the longest wait."""


def preferred_wait(header: str) -> int | None:
    """The wait for the result in seconds that a `Prefer` header requests, at most `LONGEST_WAIT_S`, or None.

    The first of several `wait` counts (RFC 7240, 2). A value that is not a number of seconds is ignored, and so is the
    rest of the header after a syntax error.
    """
    place = 0
    while place < len(header) and (found := _PREFERENCE.match(header, place)):
        if found["name"].lower() == "wait":
            seconds = found["value"] and _SECONDS.fullmatch(found["value"])
            return min(int(seconds["first"] or 0), LONGEST_WAIT_S) if seconds else None
        place = found.end()
    return None
