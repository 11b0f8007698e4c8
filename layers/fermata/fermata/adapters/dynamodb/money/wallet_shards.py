"""The movements of a wallet that is spread over shards in DynamoDB.

A movement changes the shard of its job alone. An order that the shard cannot cover borrows from the others first, and
is refused only after one transaction showed that all of them together do not cover it.
"""

from typing import Any, Final

from fermata.adapters.dynamodb.items import Item
from fermata.adapters.dynamodb.money.wallet_changes import lost, moved
from fermata.adapters.dynamodb.money.wallet_deals import (
    LIVE,
    PLAN,
    SPREAD,
    Deals,
    Spread,
    plan_of,
    read_shares,
    share_of,
)
from fermata.adapters.dynamodb.transactions import DynamoTransactions, Write
from fermata.domain.money.movement import Movement
from fermata.domain.money.wallet import Wallet
from fermata.domain.money.wallet_shares import (
    Bound,
    aligned,
    bound_of,
    free_in,
    lenders,
    with_losses_of,
)
from fermata.domain.providers.budget_shares import shard_of
from fermata.errors import RequestRefusedError

WALLET: Final = "wallet"
"""Name of the part of a transaction that changes the wallet."""

_USED: Final = {Bound.JOBS: "open_jobs", Bound.ORDERS: "submits_in_minute"}
_PERIOD: Final = {Bound.CAP: "month", Bound.MONTH: "month", Bound.ORDERS: "minute"}
_RESET: Final = {"month": "#spent_in_month = :zero , #committed = #held", "minute": "#submits_in_minute = :zero"}


class ShardedMovement:
    """One movement of a wallet with shards."""

    def __init__(self, movement: Movement, deals: Deals, transactions: DynamoTransactions) -> None:
        self._movement = movement
        self._deals = deals
        self._transactions = transactions
        of = movement.entries[0]
        self._own = shard_of(of.job_id or of.entry_id)

    def parts(self, first: Item) -> tuple[dict[str, Write], Wallet] | None:
        """The parts that make the movement in the wallet with this first item, and the wallet afterwards. None where
        something had to be done first, or another run was quicker: read the wallet again.

        Raises as `Wallet.after` does, for an order that all shards together do not cover.
        """
        if self._deals.wait(first):
            return None
        if self._movement.is_hold:
            return self._held(first)
        plan, key = plan_of(first), self._deals.keys[1 + self._own]
        if self._counts_losses:
            spread = read_shares(first, self._deals.keys, self._transactions)
            return None if spread is None else (self._write(spread), spread.total)
        item = self._transactions.get(*key)
        if item is None or "closed" in item:
            return None
        return {WALLET: self._part(share_of(item, plan).wallet)}, plan

    @property
    def _counts_losses(self) -> bool:
        movement = self._movement
        return bool(movement.at_risk or movement.lost or movement.unpaid)

    def _held(self, first: Item) -> tuple[dict[str, Write], Wallet] | None:
        spread = read_shares(first, self._deals.keys, self._transactions)
        if spread is None:
            return None
        own, at = spread.shares[self._own].wallet, self._movement.at
        total = with_losses_of(spread.total, own).in_month_of(at).in_minute_of(at)
        try:
            after = total.after(self._movement)
        except RequestRefusedError as refusal:
            bound = bound_of(refusal, total)
            if bound is None or self._is_short(bound, spread, total):
                raise
            return None
        try:
            own.after(self._movement)
        except RequestRefusedError as refusal:
            bound = bound_of(refusal, total)
            if bound is None:
                raise
            if not self._borrow(bound, spread, total):
                self._deals.deal_again(first)
            return None
        return self._write(spread), after

    def _write(self, spread: Spread) -> dict[str, Write]:
        """The movement in its shard; with what it loses or may lose in all items."""
        share = spread.shares[self._own].wallet
        if not self._counts_losses:
            return {WALLET: self._part(share)}
        wallets = [spread.plan, *(share.wallet for share in spread.shares)]
        day = max(each.day for each in wallets)
        parts = {WALLET: self._part(share, day)}
        for number, wallet in enumerate(wallets):
            if number != 1 + self._own:
                fence, key = SPREAD if number == PLAN else LIVE, self._deals.keys[number]
                part = lost(key, wallet, self._movement, fence, self._transactions, day)
                parts[f"{WALLET} {number}"] = part
        return parts

    def _part(self, share: Wallet, day: str = "") -> Write:
        return moved(self._deals.keys[1 + self._own], share, self._movement, LIVE, self._transactions, day)

    def _is_short(self, bound: Bound, spread: Spread, total: Wallet) -> bool:
        """Whether no item has more left of a bound than was read, all at the same moment."""
        parts = {}
        for number, wallet in enumerate([spread.plan, *(share.wallet for share in spread.shares)]):
            condition, values = _at_most(bound, wallet, total)
            if number == PLAN and bound is Bound.CAP:
                # The item says 0, so that a release before shards orders nothing.
                values[":read_share"] = 0
            fence = SPREAD if number == PLAN else LIVE
            # An update that changes nothing, because whoever may move credits has no right to check alone.
            values = {**values, ":nothing": 0}
            key, condition = self._deals.keys[number], f"{fence} AND {condition}"
            parts[f"item {number}"] = self._transactions.update(*key, "ADD #lent :nothing", condition, values)
        return not self._transactions.write(parts, self._transactions.deadline())

    def _borrow(self, bound: Bound, spread: Spread, total: Wallet) -> bool:
        """Take from other shards what the order's shard lacks of a bound; False where they do not have it."""
        shares = [aligned(share.wallet, total) for share in spread.shares]
        need = self._movement.to_hold if bound in (Bound.BALANCE, Bound.CAP, Bound.MONTH) else 1
        lack = need - free_in(shares[self._own], bound)
        others = {number: free_in(share, bound) for number, share in enumerate(shares) if number != self._own}
        lent = lenders(lack, others)
        if lent is None:
            return False
        parts = {
            f"lender {number}": self._lend(number, bound, spread, total, amount) for number, amount in lent.items()
        }
        parts["borrower"] = self._receive(bound, spread, total, sum(lent.values()))
        self._transactions.write(parts, self._transactions.deadline())
        return True

    def _lend(self, number: int, bound: Bound, spread: Spread, total: Wallet, amount: int) -> Write:
        condition, values = _at_least(bound, spread.shares[number].wallet, total, amount)
        return self._add(number, bound, spread, -amount, condition, values)

    def _receive(self, bound: Bound, spread: Spread, total: Wallet, amount: int) -> Write:
        period = _PERIOD.get(bound)
        if period is None:
            return self._add(self._own, bound, spread, amount, "", {})
        before, now = getattr(spread.shares[self._own].wallet, period), getattr(total, period)
        condition, values, turn = f"#{period} = :read_period", {":read_period": before}, ""
        if before < now:
            # What it borrows belongs to the period that the wallet has reached.
            turn, values = f"SET #{period} = :period , {_RESET[period]} ", {**values, ":period": now, ":zero": 0}
        return self._add(self._own, bound, spread, amount, condition, values, turn)

    def _add(
        self,
        shard: int,
        bound: Bound,
        spread: Spread,
        more: int,
        condition: str,
        values: dict[str, Any],
        turn: str = "",
    ) -> Write:
        values = {**values, ":more": more, ":deal": spread.deal}
        adds, fence = f"ADD #{bound.value} :more", f"{LIVE} AND #dealt = :deal"
        if bound is Bound.BALANCE:
            adds, values = f"{adds} , #lent :less", {**values, ":less": -more}
        if condition:
            fence = f"{fence} AND {condition}"
        return self._transactions.update(*self._deals.keys[1 + shard], turn + adds, fence, values)


def _used(bound: Bound, share: Wallet, total: Wallet) -> str | None:
    """The attribute that says how much a share used of a bound; None if it begins the period with nothing used."""
    if bound is Bound.ORDERS:
        return _USED[bound] if share.minute >= total.minute else None
    if bound is Bound.JOBS:
        return _USED[bound]
    return "committed" if share.month >= total.month else "held"


def _at_least(bound: Bound, share: Wallet, total: Wallet, amount: int) -> tuple[str, dict[str, Any]]:
    """The condition that a share still has as much left of a bound as it lends."""
    if bound is Bound.BALANCE:
        return "#balance >= :amount", {":amount": amount}
    condition, values, used = _same_share(bound, share, total)
    if used is None:
        return condition, values
    return f"{condition} AND #{used} <= :limit", {**values, ":limit": values[":read_share"] - amount}


def _at_most(bound: Bound, share: Wallet, total: Wallet) -> tuple[str, dict[str, Any]]:
    """The condition that a share has no more left of a bound than was read."""
    if bound is Bound.BALANCE:
        return "#balance <= :read", {":read": share.balance}
    condition, values, used = _same_share(bound, share, total)
    if used is None:
        return condition, values
    read = share.committed if used == "committed" else getattr(share, used)
    return f"{condition} AND #{used} >= :read", {**values, ":read": read}


def _same_share(bound: Bound, share: Wallet, total: Wallet) -> tuple[str, dict[str, Any], str | None]:
    condition, values = f"#{bound.value} = :read_share", {":read_share": getattr(share, bound.value)}
    period = _PERIOD.get(bound)
    if period is not None:
        condition, values = (
            f"{condition} AND #{period} = :read_period",
            {**values, ":read_period": getattr(share, period)},
        )
    return condition, values, _used(bound, share, total)
