"""Lists over days in UTC that are read page by page: their query parameters and cursors."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from fermata.domain.web.cursors import cursor_of, place_in, wrong_limit
from fermata.errors import FieldError, InvalidRequestError

LONGEST_SPAN_DAYS: Final = 92
DEFAULT_LIMIT: Final = 100
LONGEST_LIMIT: Final = 1000

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True)
class DayList:
    """A tenant's list, called `name`, of the days from `first` to `last`, inclusive."""

    tenant_id: str
    first: date
    last: date
    name: str = ""

    def cursor_after(self, place: str) -> str:
        """The cursor after a place."""
        return cursor_of(place, self.tenant_id, self.name, self.first, self.last)

    def place_of(self, cursor: str) -> str | None:
        """The place in a cursor of this list, or None for any other text."""
        return place_in(cursor, self.tenant_id, self.name, self.first, self.last)


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
    wrong += [*wrong_span(first, last), *wrong_limit(parameters.get("limit"), LONGEST_LIMIT)]
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
