"""How the wallet of a hot tenant is spread over shares, so that its jobs share no record. Amounts are whole credits,
jobs or orders.

A share is a small wallet with its part of every bound: of the balance or the cap, of the month's credits, of the open
jobs and of the orders in a minute. The parts add up to the plan's bounds, so an order within its share exceeds none of
them. What an order lacks, its share borrows. What may be lost, and jobs ended before a purchase, count in every share
alike, because ends add to them without a bound.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fermata.domain.money.wallet import Wallet
from fermata.domain.providers.budget_shares import SHARDS
from fermata.domain.tenants.plan_limits import PlanLimits
from fermata.errors import LimitReachedError, OutOfCreditError
from fermata.limit_errors import MonthlyLimitError, RateLimitedError, TooManyJobsError

HOT_ABOVE: Final = 1200
"""Orders a minute above which a plan makes its wallet hot; one record bears some 2,000 of many jobs."""

_SUMS: Final = ("granted", "held", "spent", "open_jobs")
_COUNTERS: Final = (*_SUMS, "balance", "spent_in_month", "submits_in_minute")
_LOSSES: Final = ("day", "lost_in_day", "unpaid_in_day", "at_risk")


class Bound(StrEnum):
    """What may refuse an order, and is spread over shares."""

    BALANCE = "balance"
    CAP = "cap_credits"
    MONTH = "monthly_credits"
    JOBS = "concurrent_jobs"
    ORDERS = "submits_per_minute"


@dataclass(frozen=True)
class Share:
    """One share, and the credits of its balance that it lent to others, negative if it borrowed."""

    wallet: Wallet
    lent: int = 0


def is_hot(limits: PlanLimits) -> bool:
    """Whether a plan's wallet is spread. Volume tiers depend on what all jobs spent, so theirs stays whole."""
    return limits.submits_per_minute > HOT_ABOVE and not limits.tiers


def bounds_of(wallet: Wallet) -> tuple[Bound, ...]:
    """The bounds of a wallet's plan."""
    funds = Bound.BALANCE if wallet.cap_credits is None else Bound.CAP
    of_month = () if wallet.monthly_credits is None else (Bound.MONTH,)
    return (funds, *of_month, Bound.JOBS, Bound.ORDERS)


def bound_of(refusal: Exception, wallet: Wallet) -> Bound | None:
    """The bound that refused an order, or None for a refusal that every share gives alike."""
    if isinstance(refusal, OutOfCreditError):
        return bounds_of(wallet)[0]
    if isinstance(refusal, LimitReachedError):
        return _BOUNDS.get(type(refusal))
    return None


def free_in(wallet: Wallet, bound: Bound) -> int:
    """What is left of a bound; negative where more is taken than the plan allows by now."""
    match bound:
        case Bound.BALANCE:
            return wallet.balance
        case Bound.CAP:
            return (wallet.cap_credits or 0) - wallet.committed
        case Bound.MONTH:
            return (wallet.monthly_credits or 0) - wallet.committed
        case Bound.JOBS:
            return wallet.concurrent_jobs - wallet.open_jobs
        case Bound.ORDERS:
            return wallet.submits_per_minute - wallet.submits_in_minute


def total_of(plan: Wallet, shares: Sequence[Share]) -> Wallet:
    """The wallet of a tenant: the plan's record, in which an earlier release may have counted, and its shares. What
    shares lent each other changes no sum, so the records may have been read at different moments.
    """
    wallets = [plan, *(share.wallet for share in shares)]
    month, minute = max(each.month for each in wallets), max(each.minute for each in wallets)
    return plan.model_copy(
        update={
            **{name: sum(getattr(each, name) for each in wallets) for name in _SUMS},
            "balance": sum(each.balance for each in wallets) + sum(share.lent for share in shares),
            "month": month,
            "spent_in_month": sum(each.spent_in_month for each in wallets if each.month == month),
            "minute": minute,
            "submits_in_minute": sum(each.submits_in_minute for each in wallets if each.minute == minute),
        }
    )


def with_losses_of(total: Wallet, share: Wallet) -> Wallet:
    """The wallet with what its tenant lost and may lose by one share, which a single read saw."""
    return total.model_copy(update={name: getattr(share, name) for name in _LOSSES})


def aligned(share: Wallet, total: Wallet) -> Wallet:
    """A share with the counters of the month and minute that the whole wallet has reached."""
    turned: dict[str, object] = {}
    if share.month < total.month:
        turned |= {"month": total.month, "spent_in_month": 0}
    if share.minute < total.minute:
        turned |= {"minute": total.minute, "submits_in_minute": 0}
    return share.model_copy(update=turned) if turned else share


def dealt(whole: Wallet) -> tuple[Share, ...] | None:
    """The shares of a wallet, the first of which has all that was counted so far, and each an equal part of what is
    left. None for a wallet that is not hot, or of which more credits or jobs are taken than its plan allows: what comes
    back to one share would have to make up for another one first, so it stays whole.
    """
    free = {bound: free_in(whole, bound) for bound in bounds_of(whole)}
    # Orders of a minute do not come back, so no share has any left when too many were taken.
    if not is_hot(whole) or any(left < 0 for bound, left in free.items() if bound is not Bound.ORDERS):
        return None
    others = whole.model_copy(update=dict.fromkeys(_COUNTERS, 0))
    return tuple(_part(whole if number == 0 else others, number, free) for number in range(SHARDS))


def without_counts(whole: Wallet) -> Wallet:
    """A plan with nothing counted but losses: they are in its shares."""
    return whole.model_copy(update=dict.fromkeys(_COUNTERS, 0))


def lenders(lack: int, free: Mapping[int, int]) -> dict[int, int] | None:
    """How much a share that lacks something borrows from which others: half of what the richest has left, if that is
    enough, so that the next orders need not borrow. None where the others do not have it.
    """
    lent: dict[int, int] = {}
    for number, left in sorted(free.items(), key=lambda each: -each[1]):
        if lack <= 0:
            break
        if left <= 0:
            return None
        lent[number] = min(left, max(lack, left // 2))
        lack -= lent[number]
    return lent if lack <= 0 else None


def _part(counted: Wallet, number: int, free: Mapping[Bound, int]) -> Share:
    part = {bound: _split(left, number) for bound, left in free.items()}
    taken = {bound.value: part[bound] + _taken(counted, bound) for bound in free if bound is not Bound.BALANCE}
    if Bound.BALANCE not in free:
        return Share(counted.model_copy(update=taken))
    balance = part[Bound.BALANCE]
    return Share(counted.model_copy(update={**taken, "balance": balance}), counted.balance - balance)


def _taken(counted: Wallet, bound: Bound) -> int:
    match bound:
        case Bound.JOBS:
            return counted.open_jobs
        case Bound.ORDERS:
            return counted.submits_in_minute
        case _:
            return counted.committed


def _split(left: int, number: int) -> int:
    if left < 0:
        return left if number == 0 else 0
    return left // SHARDS + (number < left % SHARDS)


_BOUNDS: Final[Mapping[type[Exception], Bound]] = {
    MonthlyLimitError: Bound.MONTH,
    TooManyJobsError: Bound.JOBS,
    RateLimitedError: Bound.ORDERS,
}
