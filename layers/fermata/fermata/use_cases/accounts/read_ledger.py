"""Show a tenant its ledger."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import islice

from fermata.domain.money.reports.day_pages import DayPage
from fermata.domain.money.reports.ledger import LedgerLine, Start, beginning_of, change_of, end_of, lines_of, start_in
from fermata.ports.money import LedgerStore


def read_ledger(page: DayPage, ledger: LedgerStore, now: datetime) -> tuple[Sequence[LedgerLine], str | None]:
    """One page of the ledger, oldest first, and the cursor of the next page, None after the last. The list ends 10 s
    before `now`. Raises `TransientError`.
    """
    of, limit = page.of, page.limit
    start = start_in(page) or Start(beginning_of(of.first), _balance_at(of.first, of.tenant_id, ledger))
    entries = ledger.between(of.tenant_id, start.place, end_of(page, now))
    lines = list(islice(lines_of(entries, start.balance), limit + 1))
    if len(lines) <= limit:
        return lines, None
    last = lines[limit - 1]
    return lines[:limit], of.cursor_after(Start(last.entry.place, last.balance).as_text())


def _balance_at(day: date, tenant_id: str, ledger: LedgerStore) -> int:
    """The balance at the beginning of a day: the latest stored one, and every entry since then."""
    stored = ledger.balance(tenant_id, day)
    begin, balance = ("", 0) if stored is None else (beginning_of(stored.day), stored.credits)
    return balance + sum(map(change_of, ledger.between(tenant_id, begin, beginning_of(day))))
