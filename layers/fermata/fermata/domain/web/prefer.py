"""What a caller would like beside the request itself (RFC 7240); no preference is ever a reason to refuse one."""

import re
from typing import Final

LONGEST_WAIT_S: Final = 25
"""Most seconds that a request is held: API Gateway gives up after 30, and some of them go by before and afterwards."""

# Possessive throughout: a header of ten thousand characters is read once, whatever is in it.
_PREFERENCE: Final = re.compile(
    r"(?:\s*+,)*+\s*+(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]++)"
    r'(?:\s*+=\s*+(?P<value>"(?:[^"\\]|\\.)*+"|[^\s,;"]*+))?+'
    r'(?:\s*+;(?:"(?:[^"\\]|\\.)*+"|[^,"])*+)?+\s*+(?:,|$)'
)
_SECONDS: Final = re.compile(r"0*+(?P<first>[0-9]{0,3})[0-9]*+")
"""Of a longer number the first digits tell that it is more than the longest wait."""


def preferred_wait(header: str) -> int | None:
    """How many seconds a `Prefer` header asks to wait for the result, at most `LONGEST_WAIT_S`; None for none.

    Of several `wait` the first counts (RFC 7240, 2), and what is no number of seconds is ignored, as is everything from
    the first mark on that does not belong into such a header.
    """
    place = 0
    while place < len(header) and (found := _PREFERENCE.match(header, place)):
        if found["name"].lower() == "wait":
            seconds = found["value"] and _SECONDS.fullmatch(found["value"])
            return min(int(seconds["first"] or 0), LONGEST_WAIT_S) if seconds else None
        place = found.end()
    return None
