"""A tenant's ledger."""

from collections.abc import Iterable
from typing import Literal

from fermata.api.responses.body import Body, Credits
from fermata.domain.money.movement import EntryKind
from fermata.domain.money.reports.ledger import LedgerLine
from fermata.domain.web.formats import JobId, Moment, rfc3339

Kind = Literal["grant", "hold", "spend", "refund", "note"]
_KINDS: dict[EntryKind, Kind] = {
    EntryKind.GRANT: "grant",
    EntryKind.HOLD: "hold",
    EntryKind.SETTLE: "spend",
    EntryKind.REFUND: "refund",
    EntryKind.NOTE: "note",
}


class LedgerEntry(Body):
    """One movement of credits, and the balance after it. `grant` and `refund` add `credits` to the balance and `hold`
    takes them. `spend` is the part of an earlier hold that was spent, so the balance stays; a `note` moves nothing.
    `job_id` is null for a grant. `key_id` is the key that ordered the job, null where none did or none is on record.
    """

    at: Moment
    kind: Kind
    credits: Credits
    balance_credits: int
    job_id: JobId | None
    key_id: str | None
    note: str | None

    @classmethod
    def of(cls, line: LedgerLine) -> "LedgerEntry":
        """One line of the ledger."""
        entry = line.entry
        return cls.model_construct(
            at=rfc3339(entry.at),
            kind=_KINDS[entry.kind],
            credits=entry.credits,
            balance_credits=line.balance,
            job_id=entry.job_id,
            key_id=entry.key_id,
            note=entry.text,
        )


class LedgerList(Body):
    """A page of the ledger."""

    data: list[LedgerEntry]
    next_cursor: str | None

    @classmethod
    def of(cls, lines: Iterable[LedgerLine], next_cursor: str | None) -> "LedgerList":
        """One page, and the cursor of the next."""
        return cls.model_construct(data=[LedgerEntry.of(line) for line in lines], next_cursor=next_cursor)
