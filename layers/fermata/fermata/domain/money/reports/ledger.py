"""A tenant's ledger as it reads it: entries in the order in which they happened, each with the balance after it.

Entries sort by their time. An entry is written up to `SETTLES_IN` after its time, so that no page includes anything
younger: otherwise an entry could appear before one that was already shown.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from fermata.domain.money.movement import EntryKind, LedgerEntry
from fermata.domain.money.reports.day_pages import DayPage
from fermata.domain.web.formats import rfc3339
from fermata.errors import FieldError, InvalidRequestError

SETTLES_IN: Final = timedelta(seconds=10)
LIST_NAME: Final = "ledger"
"""Name of the list, for cursors."""

_CHANGES: Final = {EntryKind.GRANT: 1, EntryKind.REFUND: 1, EntryKind.HOLD: -1}
_START: Final = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z#[\w.-]+)\n(-?\d+)", re.ASCII)


@dataclass(frozen=True)
class LedgerLine:
    """An entry, and the balance in credits after it."""

    entry: LedgerEntry
    balance: int


@dataclass(frozen=True)
class DayBalance:
    """The balance in credits at the beginning of a day in UTC."""

    day: date
    credits: int


@dataclass(frozen=True)
class Start:
    """The start of a page: after a place, with the balance there."""

    place: str
    balance: int

    def as_text(self) -> str:
        """This start within a cursor."""
        return f"{self.place}\n{self.balance}"


def change_of(entry: LedgerEntry) -> int:
    """Credits that an entry adds to the balance. What is spent left the balance when it was held."""
    return _CHANGES.get(entry.kind, 0) * entry.credits


def start_in(page: DayPage) -> Start | None:
    """The start that the cursor of a page states; None without a cursor. Raises `InvalidRequestError`."""
    if page.after is None:
        return None
    found = _START.fullmatch(page.after)
    if found is None:
        raise InvalidRequestError([FieldError("/cursor", "must be the next_cursor of a page of this list")])
    return Start(found[1], int(found[2]))


def beginning_of(day: date) -> str:
    """A place before every entry of a day and after every earlier one."""
    return f"{day}T00:00:00.000Z"


def end_of(page: DayPage, now: datetime) -> str:
    """A place after every entry that the list of a page includes."""
    return min(f"{page.of.last}T24", rfc3339(now - SETTLES_IN))


def lines_of(entries: Iterable[LedgerEntry], balance: int) -> Iterator[LedgerLine]:
    """The entries with their balances; `balance` is the one before the first."""
    for entry in entries:
        balance += change_of(entry)
        yield LedgerLine(entry, balance)


@dataclass
class BalanceAt:
    """Adds up the entries before a day while they are read for another purpose, in any order."""

    day: date
    credits: int = 0

    def watch(self, entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        """The same entries."""
        self.credits, begin = 0, beginning_of(self.day)
        for entry in entries:
            if entry.place < begin:
                self.credits += change_of(entry)
            yield entry

    @property
    def balance(self) -> DayBalance:
        """The balance at the beginning of the day."""
        return DayBalance(self.day, self.credits)
