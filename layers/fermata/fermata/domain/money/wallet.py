"""Money as values: a tenant's wallet, its ledger, and the movements of an order. Amounts are whole credits, never
negative.

Invariant, prepaid and postpaid: granted = balance + held + spent. A prepaid balance is never negative; a negative
postpaid balance is the tenant's debt.
"""

from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import Charged
from fermata.domain.money.losses import is_ended_by_caller, lost_attempts
from fermata.domain.providers.spending import day_of
from fermata.domain.tenants.key_cap import KeyCap
from fermata.domain.tenants.plan_limits import (
    LOOK_AGAIN_S,
    Allowance,
    PlanLimits,
    left_of_day_s,
    left_of_minute_s,
    left_of_month_s,
    minute_of,
    submit_allowance,
)
from fermata.domain.web.formats import rfc3339
from fermata.errors import OtherDiscountError, OutOfCreditError
from fermata.limit_errors import (
    LossesAtRiskError,
    LostSongsError,
    MonthlyLimitError,
    RateLimitedError,
    TooManyJobsError,
    UnpaidJobsError,
)


class Plan(StrEnum):
    """The bound of a tenant's orders: the balance (prepaid), or a cap per calendar month in UTC (postpaid)."""

    PREPAID = "prepaid"
    POSTPAID = "postpaid"


class EntryKind(StrEnum):
    """Why credits moved."""

    GRANT = "grant"
    HOLD = "hold"
    SETTLE = "settle"
    REFUND = "refund"
    NOTE = "note"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


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


class Wallet(PlanLimits):
    """A tenant's credits, and the counters of its plan's limits. `spent_in_month` belongs to `month` ("2026-11", UTC),
    `submits_in_minute` to `minute`, `lost_in_day` and `unpaid_in_day` to `day`; `cap_credits` is None if prepaid.
    `at_risk` is how many songs open orders may lose by their own terms: a deadline, or `on_unknown` with fallbacks.
    """

    tenant_id: str
    month: str
    plan: Plan = Plan.PREPAID
    cap_credits: int | None = None
    granted: int = 0
    balance: int = 0
    held: int = 0
    spent: int = 0
    spent_in_month: int = 0
    open_jobs: int = 0
    minute: str = ""
    submits_in_minute: int = 0
    day: str = ""
    lost_in_day: int = 0
    unpaid_in_day: int = 0
    at_risk: int = 0

    @property
    def committed(self) -> int:
        """Credits that count in a postpaid tenant's cap: spent in the month, and held by open jobs."""
        return self.spent_in_month + self.held

    @property
    def available(self) -> int:
        """Credits that a new job may hold: the prepaid balance, or the rest of the month's cap."""
        return self.balance if self.cap_credits is None else self.cap_credits - self.committed

    def in_month_of(self, moment: datetime) -> "Wallet":
        """This wallet with the counters of the month of `moment`; unchanged for an earlier month."""
        month = month_of(moment)
        return self if month <= self.month else self.model_copy(update={"month": month, "spent_in_month": 0})

    def in_minute_of(self, moment: datetime) -> "Wallet":
        """This wallet with the counters of the minute of `moment`; unchanged for an earlier minute."""
        minute = minute_of(moment)
        return self if minute <= self.minute else self.model_copy(update={"minute": minute, "submits_in_minute": 0})

    def in_day_of(self, moment: datetime) -> "Wallet":
        """This wallet with the counters of the day of `moment`; unchanged for an earlier day."""
        return self._in_day(day_of(moment))

    def may_lose_more(self, today: date) -> bool:
        """Whether the plan permits another song without payment on this day in UTC."""
        return self._in_day(today).lost_in_day < self.lost_songs_per_day

    def discount_at(self, moment: datetime) -> int:
        """The discount in percent of an order that is accepted at this moment."""
        return self.percent_at(self.in_month_of(moment).spent_in_month)

    def submits_left(self, now: datetime) -> Allowance:
        """How many orders the plan still allows in this minute."""
        return submit_allowance(self.submits_per_minute, self.in_minute_of(now).submits_in_minute, now)

    def on_plan(self, plan: Plan, cap_credits: int | None, limits: PlanLimits) -> "Wallet":
        """This wallet on another plan."""
        return self.model_copy(update={"plan": plan, "cap_credits": cap_credits, **dict(limits)})

    def _in_day(self, date_: date) -> "Wallet":
        day = str(date_)
        return self if day <= self.day else self.model_copy(update={"day": day, "lost_in_day": 0, "unpaid_in_day": 0})

    def after(self, movement: Movement) -> "Wallet":
        """This wallet after the movement. A hold raises `OtherDiscountError` where another discount holds than the one
        of its price, a `LimitReachedError` beyond the plan's limits, and `OutOfCreditError` beyond the available
        credits.
        """
        wallet = self.in_month_of(movement.at)
        if movement.counts_in_day:
            wallet = wallet.in_day_of(movement.at)
        if movement.is_hold:
            wallet = wallet.in_minute_of(movement.at)
            _refuse_other_discount(wallet, movement)
            _refuse_beyond_limits(wallet, movement)
            if wallet.available < movement.to_hold:
                raise OutOfCreditError(wallet.balance, wallet.available, movement.to_hold)
        return wallet.model_copy(
            update={
                "granted": wallet.granted + movement.granted,
                "balance": wallet.balance + movement.balance,
                "held": wallet.held + movement.held,
                "spent": wallet.spent + movement.spent,
                "spent_in_month": wallet.spent_in_month + movement.spent,
                "open_jobs": wallet.open_jobs + movement.open_jobs,
                "submits_in_minute": wallet.submits_in_minute + movement.is_hold,
                "lost_in_day": wallet.lost_in_day + movement.lost,
                "unpaid_in_day": wallet.unpaid_in_day + movement.unpaid,
                "at_risk": wallet.at_risk + movement.at_risk,
            }
        )


def month_of(moment: datetime) -> str:
    """The calendar month of a UTC moment; months compare as text."""
    return f"{moment:%Y-%m}"


def empty_wallet(tenant_id: str, now: datetime) -> Wallet:
    """A new tenant's wallet: prepaid and empty."""
    return Wallet(tenant_id=tenant_id, month=month_of(now))


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


def _refuse_other_discount(wallet: Wallet, hold: Movement) -> None:
    current = wallet.discount_at(hold.at)
    if hold.discount_percent not in (None, current):
        raise OtherDiscountError(current)


def _refuse_beyond_limits(wallet: Wallet, hold: Movement) -> None:
    _refuse_what_may_be_lost(wallet, hold)
    if hold.buys and wallet.unpaid_in_day >= wallet.unpaid_jobs_per_day:
        raise UnpaidJobsError(wallet.unpaid_jobs_per_day, left_of_day_s(hold.at))
    if wallet.submits_in_minute >= wallet.submits_per_minute:
        raise RateLimitedError("orders", wallet.submits_per_minute, left_of_minute_s(hold.at))
    if wallet.open_jobs >= wallet.concurrent_jobs:
        raise TooManyJobsError(wallet.open_jobs, LOOK_AGAIN_S)
    if wallet.monthly_credits is not None and wallet.committed + hold.to_hold > wallet.monthly_credits:
        left = wallet.monthly_credits - wallet.committed
        raise MonthlyLimitError(wallet.monthly_credits, left, hold.to_hold, left_of_month_s(hold.at))


def _refuse_what_may_be_lost(wallet: Wallet, hold: Movement) -> None:
    if not hold.buys:
        return
    limit, lost = wallet.lost_songs_per_day, wallet.lost_in_day
    if lost >= limit or lost + hold.at_risk > limit:
        raise LostSongsError(limit, lost, hold.at_risk, left_of_day_s(hold.at))
    if hold.at_risk and lost + wallet.at_risk + hold.at_risk > limit:
        raise LossesAtRiskError(limit, lost, wallet.at_risk, LOOK_AGAIN_S)


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
