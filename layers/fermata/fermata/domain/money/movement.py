"""Movements of credits: entries of a ledger that change one wallet together. Amounts are whole credits, never
negative.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import Charged
from fermata.domain.money.losses import is_ended_by_caller, lost_attempts
from fermata.domain.tenants.key_cap import KeyCap
from fermata.domain.web.formats import rfc3339


class EntryKind(StrEnum):
    """Why credits moved."""

    GRANT = "grant"
    HOLD = "hold"
    SETTLE = "settle"
    REFUND = "refund"
    NOTE = "note"


class _Value(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True)


class LedgerEntry(_Value):
    """One immutable line of a ledger. A job's entry ids are derived from its id. `attempt` is the job's last attempt,
    or the subject of a note; a note moves nothing and has a `text`. `key_id` is the API key that ordered the job.
    """

    entry_id: str
    kind: EntryKind
    credits: NonNegativeInt
    at: datetime
    job_id: str | None = None
    attempt: PositiveInt | None = None
    text: str | None = None
    key_id: str | None = None

    @property
    def place(self) -> str:
        """Its position in the ledger: entries sort by their time."""
        return f"{rfc3339(self.at)}#{self.entry_id}"


class Movement(_Value):
    """Entries that change one tenant's wallet together, all at the same instant. `buys` is whether a purchase follows.
    `at_risk` is the change in the number of songs that may be bought without payment by the tenant's own terms; `lost`
    is the number of such songs bought. `unpaid` is the number of jobs that their caller ended before a purchase.
    `discount_percent` is the discount at which an order was priced; None for everything else.
    `key_cap` is the monthly cap of the key that ordered, None if no capped key did.
    """

    tenant_id: str
    entries: Annotated[tuple[LedgerEntry, ...], Field(min_length=1)]
    buys: bool = False
    at_risk: int = 0
    lost: NonNegativeInt = 0
    unpaid: NonNegativeInt = 0
    discount_percent: NonNegativeInt | None = None
    key_cap: KeyCap | None = None

    @property
    def at(self) -> datetime:
        """The instant of the movement."""
        return self.entries[0].at

    @property
    def granted(self) -> int:
        """Credits added to `granted`."""
        return self._total(EntryKind.GRANT)

    @property
    def balance(self) -> int:
        """Credits added to the balance; may be negative."""
        return self.granted + self._total(EntryKind.REFUND) - self.to_hold

    @property
    def held(self) -> int:
        """Credits added to the holds of open jobs; may be negative."""
        return self.to_hold - self._total(EntryKind.SETTLE) - self._total(EntryKind.REFUND)

    @property
    def spent(self) -> int:
        """Credits added to `spent`."""
        return self._total(EntryKind.SETTLE)

    @property
    def to_hold(self) -> int:
        """Credits that the wallet must cover."""
        return self._total(EntryKind.HOLD)

    @property
    def is_hold(self) -> bool:
        """Whether it holds credits; a wallet may refuse only holds."""
        return any(entry.kind is EntryKind.HOLD for entry in self.entries)

    @property
    def counts_in_day(self) -> bool:
        """Whether it changes, or is limited by, the counters of a day."""
        return self.buys or self.lost > 0 or self.unpaid > 0

    @property
    def open_jobs(self) -> int:
        """Change in the number of open jobs: 1 for a hold, -1 for a job's end."""
        if self.is_hold:
            return 1
        return -1 if any(entry.kind in (EntryKind.SETTLE, EntryKind.REFUND) for entry in self.entries) else 0

    def _total(self, kind: EntryKind) -> int:
        return sum(entry.credits for entry in self.entries if entry.kind is kind)


def grant_of(tenant_id: str, amount: int, entry_id: str, now: datetime) -> Movement:
    """The movement of an operator's grant."""
    entry = LedgerEntry(entry_id=entry_id, kind=EntryKind.GRANT, credits=amount, at=now)
    return Movement(tenant_id=tenant_id, entries=(entry,))


def hold_on(job: Job) -> Movement:
    """The movement of a job's submission: a hold of the most that the job may cost."""
    return Movement(
        tenant_id=job.tenant_id,
        entries=(_entry(job, EntryKind.HOLD, job.hold_credits, job.created_at),),
        buys=job.recovered_from is None,
        at_risk=job.at_risk,
        discount_percent=job.candidates[0].discount_percent if job.recovered_from is None else None,
        key_cap=job.key_cap,
    )


def settlement_of(job: Job) -> Movement:
    """The movement of a job's end: the delivered songs' share of the price is spent (an entry even for 0 credits) and
    the rest refunded, or everything is refunded.
    """
    if job.finished_at is None:
        raise AssertionError(f"a {job.status} job has not ended and cannot be settled")
    return Movement(
        tenant_id=job.tenant_id,
        entries=tuple(_settlement(job, job.finished_at)),
        at_risk=-job.at_risk,
        lost=len(lost_attempts(job)),
        unpaid=int(is_ended_by_caller(job)),
        key_cap=job.key_cap,
    )


def note_on(job: Job, attempt: int, text: str, now: datetime, refunded_micro_usd: int = 0) -> LedgerEntry:
    """A note on an attempt after its job's end; its id is unique per attempt and refunded amount."""
    refund = f"-{refunded_micro_usd}" if refunded_micro_usd else ""
    return LedgerEntry(
        entry_id=f"{_entry_prefix(job)}-{len(_STEPS) + 1}-{EntryKind.NOTE}-{attempt}{refund}",
        kind=EntryKind.NOTE,
        credits=0,
        at=now,
        job_id=job.id,
        attempt=attempt,
        text=text,
        key_id=job.api_key_id,
    )


def _settlement(job: Job, at: datetime) -> Iterator[LedgerEntry]:
    if job.charged is Charged.YES:
        yield _entry(job, EntryKind.SETTLE, job.spent_credits, at)
    if job.charged is Charged.REFUNDED or job.spent_credits < job.hold_credits:
        yield _entry(job, EntryKind.REFUND, job.hold_credits - job.spent_credits, at)


_STEPS: Final = (EntryKind.HOLD, EntryKind.SETTLE, EntryKind.REFUND)


def _entry(job: Job, kind: EntryKind, amount: int, at: datetime) -> LedgerEntry:
    last = job.last_attempt
    return LedgerEntry(
        entry_id=f"{_entry_prefix(job)}-{_STEPS.index(kind) + 1}-{kind}",
        kind=kind,
        credits=amount,
        at=at,
        job_id=job.id,
        attempt=last.number if last else None,
        key_id=job.api_key_id,
    )


def _entry_prefix(job: Job) -> str:
    return job.id.removeprefix("job_")
