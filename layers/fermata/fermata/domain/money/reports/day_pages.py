"""Lists over days in UTC that are read page by page: their query parameters and cursors."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from fermata.errors import FieldError, InvalidRequestError

LONGEST_SPAN_DAYS: Final = 92
DEFAULT_LIMIT: Final = 100
LONGEST_LIMIT: Final = 1000

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LIMIT: Final = re.compile(r"[0-9]{1,4}")
_CHECK_CHARACTERS: Final = 12


@dataclass(frozen=True)
class DayList:
    """A tenant's list, called `name`, of the days from `first` to `last`, inclusive."""

    tenant_id: str
    first: date
    last: date
    name: str = ""

    def cursor_after(self, place: str) -> str:
        """The cursor after a place. It needs no secret; its checksum detects a cursor of another list."""
        about = f"{self.tenant_id}\n{self.name}{self.first}\n{self.last}\n{place}".encode()
        text = hashlib.sha256(about).hexdigest()[:_CHECK_CHARACTERS] + place
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def place_of(self, cursor: str) -> str | None:
        """The place in a cursor of this list, or None for any other text."""
        try:
            place = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()[_CHECK_CHARACTERS:]
        except (binascii.Error, ValueError):
            return None
        return place if self.cursor_after(place) == cursor else None


@dataclass(frozen=True)
class DayPage:
    """One page of a list: at most `limit` entries after the place `after`."""

    of: DayList
    limit: int = DEFAULT_LIMIT
    after: str | None = None


def parse_day_page(tenant_id: str, name: str, parameters: Mapping[str, str], now: datetime) -> DayPage:
    """The page that `from`, `to`, `limit` and `cursor` request. `to` defaults to today, `from` to the first day of that
    month. Raises `InvalidRequestError` naming each wrong parameter.
    """
    wrong: list[FieldError] = []
    last = day_in("to", parameters, now.date(), wrong)
    first = day_in("from", parameters, last.replace(day=1), wrong)
    wrong += [*wrong_span(first, last), *_wrong_limit(parameters.get("limit"))]
    if wrong:
        raise InvalidRequestError(wrong)
    of, cursor = DayList(tenant_id, first, last, name), parameters.get("cursor")
    after = None if cursor is None else of.place_of(cursor)
    if cursor is not None and after is None:
        message = "must be the next_cursor of a page of this list: the same tenant's, with the same from and to"
        raise InvalidRequestError([FieldError("/cursor", message)])
    return DayPage(of, int(parameters.get("limit", DEFAULT_LIMIT)), after)


def day_in(name: str, parameters: Mapping[str, str], default: date, wrong: list[FieldError]) -> date:
    """The day of a parameter, or the default; an invalid day is added to `wrong`."""
    text = parameters.get(name)
    if text is None:
        return default
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    wrong.append(FieldError(f"/{name}", "must be a day, such as 2026-11-21"))
    return default


def wrong_span(first: date, last: date) -> Iterator[FieldError]:
    """What is wrong with a span of days, if anything."""
    if first > last:
        yield FieldError("/from", f"must not be later than to, which is {last}")
    elif last - first >= timedelta(days=LONGEST_SPAN_DAYS):
        yield FieldError("/from", f"must make at most {LONGEST_SPAN_DAYS} days with to, which is {last}")


def _wrong_limit(limit: str | None) -> Iterator[FieldError]:
    if limit is not None and not (_LIMIT.fullmatch(limit) and 1 <= int(limit) <= LONGEST_LIMIT):
        yield FieldError("/limit", f"must be a whole number from 1 to {LONGEST_LIMIT}")
