"""Pages of lists: cursors, which are opaque texts that name a place, and limits.

A cursor needs no secret, because it opens nothing. Its checksum detects a cursor of another list.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from typing import Final

from fermata.errors import FieldError

_CHECK_CHARACTERS: Final = 12
_DIGITS: Final = re.compile(r"[0-9]+")


def cursor_of(place: str, *of: object) -> str:
    """The cursor of a place in a list. `of` is what makes the list this one: its tenant, filters and span."""
    text = _checksum(place, of) + place
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place_in(cursor: str, *of: object) -> str | None:
    """The place in a cursor of this list, or None for any other text."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
    place = text[_CHECK_CHARACTERS:]
    return place if cursor_of(place, *of) == cursor else None


def wrong_limit(limit: str | None, longest: int) -> Iterator[FieldError]:
    """The error of a `limit` that is no whole number from 1 to the longest page."""
    if limit is None:
        return
    is_short = len(limit) <= len(str(longest)) and _DIGITS.fullmatch(limit)
    if not is_short or not 1 <= int(limit) <= longest:
        yield FieldError("/limit", f"must be a whole number from 1 to {longest}")


def _checksum(place: str, of: tuple[object, ...]) -> str:
    about = "\n".join(str(part) for part in (*of, place))
    return hashlib.sha256(about.encode()).hexdigest()[:_CHECK_CHARACTERS]
