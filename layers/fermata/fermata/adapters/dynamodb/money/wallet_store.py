"""Wallets and ledgers in DynamoDB: `WALLET#<tenant>` holds the counters and the plan in `WALLET`, and one immutable
`LEDGER#<place>` per entry (`LEDGER#<entry id>` before 0.10), and `ONCE#<entry id>` for each hold. The wallet of a hot
tenant is spread over shards (`wallet_deals`).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from fermata.adapters.dynamodb.items import Item
from fermata.adapters.dynamodb.money.key_counters import KeyCount
from fermata.adapters.dynamodb.money.wallet_changes import A_TEXT, NOT_SUSPENDED, SUSPENDED, as_item, moved
from fermata.adapters.dynamodb.money.wallet_deals import (
    LIVE,
    SPREAD,
    WHOLE,
    Deals,
    is_spread,
    plan_of,
    read_shares,
    wallet_keys,
)
from fermata.adapters.dynamodb.money.wallet_shards import WALLET, ShardedMovement
from fermata.adapters.dynamodb.providers.brake_store import drain_key, is_draining
from fermata.adapters.dynamodb.reading import read
from fermata.adapters.dynamodb.tenants.call_counts import limit_calls
from fermata.adapters.dynamodb.transactions import DynamoTransactions, Write
from fermata.domain.money.movement import EntryKind, LedgerEntry, Movement
from fermata.domain.money.wallet import Plan, Wallet
from fermata.domain.money.wallet_shares import is_hot
from fermata.domain.tenants.plan_limits import DEFAULT_LIMITS, PlanLimits
from fermata.errors import ConfigurationError, DrainingError, TransientError

_ENTRY: Final = "LEDGER#"
_NEW: Final = "attribute_not_exists(pk)"
_TRIES: Final = 40
"""An order may borrow for each of its bounds, each time in a race with others."""


class DynamoWalletStore:
    """`WalletStore` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions

    def open(self, wallet: Wallet) -> None:
        """Store a new tenant's wallet; an existing one stays unchanged."""
        put = self._transactions.put(_partition(wallet.tenant_id), "WALLET", as_item(wallet), _NEW)
        self._transactions.write({WALLET: put}, self._transactions.deadline())

    def find(self, tenant_id: str) -> Wallet | None:
        """The wallet, or None."""
        return find_wallet(tenant_id, self._transactions)

    def ledger(self, tenant_id: str) -> Iterator[LedgerEntry]:
        """Every entry of a ledger, read page by page; raises `TransientError` and, because a sum without an entry is
        wrong, `UnreadableRecordError`, possibly after some entries.
        """
        for item in self._transactions.query(_partition(tenant_id), _ENTRY):
            yield read(item, LedgerEntry.model_validate)

    def grant(self, grant: Movement) -> None:
        """Add granted credits and their entry; an existing entry changes nothing."""
        write_with_wallet({}, grant, self._transactions)

    def set_plan(
        self, tenant_id: str, plan: Plan, cap_credits: int | None, limits: PlanLimits = DEFAULT_LIMITS
    ) -> bool:
        """Change a wallet's plan and limits, and spread or join it as they ask for; False where the plan is prepaid and
        the balance is negative. Raises `TransientError`, and then nothing has changed.
        """
        deals = Deals(tenant_id, self._transactions, self._transactions.deadline())
        calls = limit_calls(tenant_id, limits, self._transactions)

        def planned(wallet: Wallet) -> Wallet | None:
            owes = plan is Plan.PREPAID and wallet.balance < 0
            return None if owes else wallet.on_plan(plan, cap_credits, limits)

        for _ in range(_TRIES):
            first = deals.first()
            if first is None:
                return False
            if deals.wait(first):
                continue
            if is_hot(limits) or is_spread(first):
                token = deals.close(first)
                done = None if token is None else deals.deal(token, planned, calls)
            else:
                done = self._set_whole_plan(tenant_id, plan, cap_credits, limits, calls)
            if done is not None:
                return done
        raise _changed(tenant_id, _TRIES)

    def _set_whole_plan(
        self, tenant_id: str, plan: Plan, cap_credits: int | None, limits: PlanLimits, calls: Mapping[str, Write]
    ) -> bool | None:
        """Whether the plan of a wallet that is one item was set; None where it is one no more."""
        fields = {"plan": plan.value, "cap_credits": cap_credits, **limits.model_dump()}
        values: dict[str, Any] = {f":{name}": value for name, value in fields.items()}
        condition = WHOLE
        if plan is Plan.PREPAID:
            # A comparison with a missing attribute is false, so the wallet must exist.
            condition, values = f"{WHOLE} AND #balance >= :nothing", {**values, ":nothing": 0}
        expression = "SET " + " , ".join(f"#{name} = :{name}" for name in fields)
        wallet = self._transactions.update(*wallet_keys(tenant_id)[0], expression, condition, values)
        failed = self._transactions.write({WALLET: wallet, **calls}, self._transactions.deadline())
        return None if is_spread(failed.get(WALLET, {})) else not failed

    def suspend(self, tenant_id: str, now: datetime) -> bool:
        """Let the tenant order nothing from now on; False where that is so already. A concurrent order is stored before
        or fails.
        """
        values = {":now": now.isoformat(), **A_TEXT}
        return self._update(tenant_id, "SET #suspended_at = :now", NOT_SUSPENDED, values)

    def resume(self, tenant_id: str) -> bool:
        """End a suspension; False where there is none."""
        return self._update(tenant_id, "REMOVE #suspended_at", SUSPENDED, A_TEXT)

    def _update(self, tenant_id: str, expression: str, condition: str, values: dict[str, Any]) -> bool:
        """Change all items of a wallet in the same way; False where its first item does not meet the condition."""
        deals = Deals(tenant_id, self._transactions, self._transactions.deadline())
        for _ in range(_TRIES):
            first = deals.first()
            if first is None:
                return False
            if deals.wait(first):
                continue
            spread = is_spread(first)
            fences = [SPREAD, *(LIVE for _ in deals.keys[1:])] if spread else [WHOLE]
            parts = {
                f"{WALLET} {number}": self._transactions.update(*key, expression, f"{fence} AND {condition}", values)
                for number, (key, fence) in enumerate(zip(deals.keys, fences, strict=False))
            }
            failed = self._transactions.write(parts, self._transactions.deadline())
            now = failed.get(f"{WALLET} 0", {} if not failed else first)
            if not failed or (is_spread(now) is spread and "closed" not in now and f"{WALLET} 0" in failed):
                return not failed
        raise _changed(tenant_id, _TRIES)


def find_wallet(tenant_id: str, transactions: DynamoTransactions) -> Wallet | None:
    """A tenant's wallet, or None; raises `TransientError`."""
    keys = wallet_keys(tenant_id)
    for _ in range(_TRIES):
        item = transactions.get(*keys[0])
        if item is None:
            return None
        if not is_spread(item):
            return plan_of(item)
        if "dealt" not in item:
            # It is being spread, and has no shards yet.
            return plan_of(item)
        spread = read_shares(item, keys, transactions)
        if spread is not None:
            return spread.total
    raise _changed(tenant_id, _TRIES)


def write_with_wallet(
    writes: dict[str, Write], movement: Movement, transactions: DynamoTransactions
) -> tuple[Mapping[str, Item], Wallet]:
    """Write all parts and the movement with its entries in one transaction, or nothing.

    Returns the parts and entries whose condition did not hold (empty on success), and the wallet after the movement,
    without the concurrent movements of others; for an end in a wallet with shards, its plan alone. Raises
    `LimitReachedError` and `OutOfCreditError` where the wallet or the cap of the order's key refuses a hold,
    `TenantSuspendedError` and `DrainingError` for an order while its tenant may not order, or nobody, `TransientError`,
    and `ConfigurationError` where the tenant has no wallet.
    """
    deadline = transactions.deadline()
    in_wallet, key_count = _InWallet(movement, transactions, deadline), KeyCount(movement, transactions)
    entries = new_entries(movement.tenant_id, movement.entries, transactions)
    for _ in range(_TRIES):
        found = in_wallet.parts()
        if found is None:
            continue
        parts, after = found
        failed = dict(transactions.write({**writes, **parts, **entries, **key_count.writes()}, deadline))
        wallet_is_stale, key_is_stale = in_wallet.is_stale(failed), key_count.is_stale(failed)
        if failed or not (wallet_is_stale or key_is_stale):
            return failed, after
    raise _changed(movement.tenant_id, _TRIES)


class _InWallet:
    """One movement's parts in its wallet, whole or spread."""

    def __init__(self, movement: Movement, transactions: DynamoTransactions, deadline: float) -> None:
        self._movement = movement
        self._transactions = transactions
        self._deals = Deals(movement.tenant_id, transactions, deadline)
        self._sharded = ShardedMovement(movement, self._deals, transactions)
        self._first = _first_item_for(movement, transactions)
        self._names: frozenset[str] = frozenset()

    def parts(self) -> tuple[dict[str, Write], Wallet] | None:
        """The parts by name, and the wallet afterwards; None where another run wrote meanwhile: decide again. Raises as
        `Wallet.after` does.
        """
        if not self._first:
            raise ConfigurationError(f"tenant {self._movement.tenant_id} has no wallet; create the tenant once more")
        if not is_spread(self._first):
            wallet = plan_of(self._first)
            after = wallet.after(self._movement)
            parts = {WALLET: moved(self._deals.keys[0], wallet, self._movement, WHOLE, self._transactions)}
        else:
            found = self._sharded.parts(self._first)
            if found is None:
                self._first = self._deals.first()
                return None
            parts, after = found
        self._names = frozenset(parts)
        return parts, after

    def is_stale(self, failed: dict[str, Item]) -> bool:
        """Take the wallet's parts out of the failed ones; True if there were any: plan, limits, month, minute, counters
        or funds changed since the read, so that `parts` decides again.
        """
        stale = {name: failed.pop(name) for name in self._names if name in failed}
        if stale:
            self._first = self._deals.first() if is_spread(self._first or {}) else stale[WALLET]
        return bool(stale)


def _changed(tenant_id: str, tries: int) -> TransientError:
    return TransientError(f"the wallet of {tenant_id} changed {tries} times while it was written; try again")


def _first_item_for(movement: Movement, transactions: DynamoTransactions) -> Item | None:
    """The first item of a movement's wallet. An order reads in the same call whether new orders are taken."""
    key = wallet_keys(movement.tenant_id)[0]
    if not movement.buys:
        return transactions.get(*key)
    found = {(item["pk"], item["sk"]): item for item in transactions.get_all([key, drain_key()])}
    if is_draining(found.get(drain_key(), {})):
        raise DrainingError
    return found.get(key)


def new_entries(tenant_id: str, entries: Sequence[LedgerEntry], transactions: DynamoTransactions) -> dict[str, Write]:
    """The parts of a transaction that add entries to a ledger; a part fails where the ledger has its entry."""
    puts = {entry.entry_id: _put_entry(tenant_id, entry, transactions) for entry in entries}
    # The record of a job may expire; without this item, an order under its derived id would then be taken again.
    once = (entry.entry_id for entry in entries if entry.kind is EntryKind.HOLD)
    return puts | {f"{id_} once": transactions.put(_partition(tenant_id), f"ONCE#{id_}", {}, _NEW) for id_ in once}


def _put_entry(tenant_id: str, entry: LedgerEntry, transactions: DynamoTransactions) -> Write:
    return transactions.put(_partition(tenant_id), f"{_ENTRY}{entry.place}", entry.model_dump(mode="json"), _NEW)


def _partition(tenant_id: str) -> str:
    return f"WALLET#{tenant_id}"
