"""A tenant's wallet: its credits, its plan, and what both allow. Amounts are whole credits, never
negative.

Invariant, prepaid and postpaid: granted = balance + held + spent. A prepaid balance is never negative; a negative
postpaid balance is the tenant's debt.
"""

from datetime import date, datetime
from enum import StrEnum

from fermata.domain.money.movement import Movement
from fermata.domain.providers.spending import day_of
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
from fermata.errors import OtherDiscountError, OutOfCreditError, TenantSuspendedError
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


class Wallet(PlanLimits):
    """A tenant's credits, and the counters of its plan's limits. `spent_in_month` belongs to `month` ("2026-11", UTC),
    `submits_in_minute` to `minute`, `lost_in_day` and `unpaid_in_day` to `day`; `cap_credits` is None if prepaid.
    `at_risk` is how many songs open orders may lose by their own terms: a deadline, or `on_unknown` with fallbacks.
    `suspended_at` is since when the operator lets the tenant order nothing, None if it may.
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
    suspended_at: datetime | None = None

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

    def refuse_if_suspended(self) -> None:
        """Raise `TenantSuspendedError` while the operator lets the tenant order and change nothing."""
        if self.suspended_at is not None:
            raise TenantSuspendedError(self.suspended_at)

    def _in_day(self, date_: date) -> "Wallet":
        day = str(date_)
        return self if day <= self.day else self.model_copy(update={"day": day, "lost_in_day": 0, "unpaid_in_day": 0})

    def after(self, movement: Movement) -> "Wallet":
        """This wallet after the movement. An order raises `TenantSuspendedError` during a suspension. A hold raises
        `OtherDiscountError` where another discount holds than the one of its price, a `LimitReachedError` beyond the
        plan's limits, and `OutOfCreditError` beyond the available credits.
        """
        if movement.buys:
            self.refuse_if_suspended()
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
