"""Wallets and ledgers in DynamoDB: `WALLET#<tenant>` holds the counters in `WALLET` and one `LEDGER#<entry id>` per
entry, which nothing ever changes or deletes.

Counters are added to, not replaced, so that many jobs of one tenant do not make each other read again.
"""

from collections.abc import Sequence
from typing import Any, Final

from fermata.adapters.dynamo_items import Item
from fermata.adapters.dynamo_transactions import DynamoTransactions, Write
from fermata.domain.wallet import LedgerEntry, Movement, Plan, Wallet
from fermata.errors import ConfigurationError, TransientError

WALLET: Final = "wallet"
"""Name of the part of a transaction that changes the wallet."""

_NEW: Final = "attribute_not_exists(pk)"
_TRIES: Final = 10


class DynamoWalletStore:
    """`WalletStore` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions

    def open(self, wallet: Wallet) -> None:
        """Store a new tenant's wallet; one that is there stays as it is."""
        put = self._transactions.put(_partition(wallet.tenant_id), "WALLET", _as_item(wallet), _NEW)
        self._transactions.write({WALLET: put}, self._transactions.deadline())

    def find(self, tenant_id: str) -> Wallet | None:
        """The wallet, or None."""
        return find_wallet(tenant_id, self._transactions)

    def grant(self, grant: Movement) -> None:
        """Add granted credits and their entry; an entry that is there already changes nothing."""
        write_with_wallet({}, grant, self._transactions)

    def set_plan(self, tenant_id: str, plan: Plan, cap_credits: int | None) -> bool:
        """Put a wallet on another plan; False where it is to be prepaid and its balance is negative."""
        values: dict[str, Any] = {":plan": plan.value, ":cap": cap_credits}
        condition = "attribute_exists(pk)"
        if plan is Plan.PREPAID:
            condition, values = f"{condition} AND #balance >= :nothing", {**values, ":nothing": 0}
        expression = "SET #plan = :plan , #cap_credits = :cap"
        update = self._transactions.update(_partition(tenant_id), "WALLET", expression, condition, values)
        return not self._transactions.write({WALLET: update}, self._transactions.deadline())


def find_wallet(tenant_id: str, transactions: DynamoTransactions) -> Wallet | None:
    """A tenant's wallet, or None; raises `TransientError`."""
    item = transactions.get(_partition(tenant_id), "WALLET")
    return None if item is None else Wallet.model_validate(item)


def write_with_wallet(
    writes: dict[str, Write], movement: Movement, transactions: DynamoTransactions
) -> dict[str, Item]:
    """Write all parts and the movement with its entries, or nothing: then the parts, or the entries, whose condition
    did not hold.

    Raises `OutOfCreditError` where the wallet is not good for a hold, `TransientError`, and `ConfigurationError` where
    the tenant has no wallet.
    """
    deadline = transactions.deadline()
    wallet = find_wallet(movement.tenant_id, transactions)
    for _ in range(_TRIES):
        if wallet is None:
            raise ConfigurationError(f"tenant {movement.tenant_id} has no wallet; create the tenant once more")
        wallet.after(movement)
        entries = new_entries(movement.tenant_id, movement.entries, transactions)
        everything = {**writes, WALLET: _move(wallet, movement, transactions), **entries}
        failed = dict(transactions.write(everything, deadline))
        now = failed.pop(WALLET, None)
        if failed or now is None:
            return failed
        # Plan, cap, month or funds changed since the wallet was read; what it is now decides.
        wallet = Wallet.model_validate(now) if now else None
    raise TransientError(f"the wallet of {movement.tenant_id} changed {_TRIES} times while it was written; try again")


def new_entries(tenant_id: str, entries: Sequence[LedgerEntry], transactions: DynamoTransactions) -> dict[str, Write]:
    """The parts of a transaction that add entries to a ledger, none of which it may have."""
    return {entry.entry_id: _put_entry(tenant_id, entry, transactions) for entry in entries}


def _put_entry(tenant_id: str, entry: LedgerEntry, transactions: DynamoTransactions) -> Write:
    return transactions.put(_partition(tenant_id), f"LEDGER#{entry.entry_id}", entry.model_dump(mode="json"), _NEW)


def _move(wallet: Wallet, movement: Movement, transactions: DynamoTransactions) -> Write:
    begins_month = wallet.in_month_of(movement.at).month != wallet.month
    values: dict[str, Any] = {
        ":granted": movement.granted,
        ":balance": movement.balance,
        ":held": movement.held,
        ":spent": movement.spent,
        ":committed": movement.held + movement.spent,
        ":read_month": wallet.month,
    }
    expression = "ADD #granted :granted , #balance :balance , #held :held , #spent :spent"
    if begins_month:
        month = "SET #month = :month , #spent_in_month = :spent , #committed = #held + :committed"
        expression, values = f"{month} {expression}", {**values, ":month": wallet.in_month_of(movement.at).month}
    else:
        expression = f"{expression} , #spent_in_month :spent , #committed :committed"
    condition = "attribute_exists(pk) AND #month = :read_month"
    if movement.is_hold:
        good_for, more = _good_for(wallet, movement, "#held" if begins_month else "#committed")
        condition, values = f"{condition} AND {good_for}", {**values, **more}
    return transactions.update(_partition(movement.tenant_id), "WALLET", expression, condition, values)


def _good_for(wallet: Wallet, movement: Movement, committed: str) -> tuple[str, dict[str, Any]]:
    if wallet.cap_credits is None:
        return "#plan = :plan AND #balance >= :hold", {":plan": wallet.plan.value, ":hold": movement.to_hold}
    limit = wallet.cap_credits - movement.to_hold
    condition = f"#plan = :plan AND #cap_credits = :cap AND {committed} <= :limit"
    return condition, {":plan": wallet.plan.value, ":cap": wallet.cap_credits, ":limit": limit}


def _as_item(wallet: Wallet) -> dict[str, Any]:
    # Conditions cannot add, so what a cap counts is kept as a number of its own.
    return {**wallet.model_dump(mode="json"), "committed": wallet.committed}


def _partition(tenant_id: str) -> str:
    return f"WALLET#{tenant_id}"
