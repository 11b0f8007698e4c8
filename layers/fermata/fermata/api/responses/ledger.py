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
    """One movement of credits, and the balance after it."""

    at: Moment
    """When the credits moved, in UTC."""
    kind: Kind
    """`grant` and `refund` add to the balance, `hold` takes from it, `spend` is the part of an earlier hold that was
    spent, and a `note` moves nothing.
    """
    credits: Credits
    """How many credits."""
    balance_credits: int
    """The balance after it, in credits."""
    job_id: JobId | None
    """The job that it belongs to; null for a grant."""
    key_id: str | None
    """The id of the key that ordered the job; null where none did or none is on record."""
    note: str | None
    """A remark; null without one."""

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
    """The movements, oldest first."""
    next_cursor: str | None
    """The `cursor` of the next page; null on the last one."""

    @classmethod
    def of(cls, lines: Iterable[LedgerLine], next_cursor: str | None) -> "LedgerList":
        """One page, and the cursor of the next."""
        return cls.model_construct(data=[LedgerEntry.of(line) for line in lines], next_cursor=next_cursor)
