"""Wallets and ledgers in DynamoDB: `WALLET#<tenant>` holds the counters and the plan in `WALLET`, and one immutable
`LEDGER#<place>` per entry (`LEDGER#<entry id>` before 0.10), and `ONCE#<entry id>` for each hold.

Writes add to the counters instead of replacing them, so that concurrent jobs of a tenant do not force each other to
read the wallet again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from fermata.adapters.dynamodb.items import Item
from fermata.adapters.dynamodb.money.key_counters import KeyCount
from fermata.adapters.dynamodb.providers.brake_store import drain_key, is_draining
from fermata.adapters.dynamodb.reading import read
from fermata.adapters.dynamodb.tenants.call_counts import limit_calls
from fermata.adapters.dynamodb.transactions import DynamoTransactions, Write
from fermata.domain.money.movement import EntryKind, LedgerEntry, Movement
from fermata.domain.money.wallet import Plan, Wallet
from fermata.domain.tenants.plan_limits import DEFAULT_LIMITS, PlanLimits
from fermata.errors import ConfigurationError, DrainingError, TransientError

WALLET: Final = "wallet"
"""Name of the part of a transaction that changes the wallet."""

_ENTRY: Final = "LEDGER#"
_NEW: Final = "attribute_not_exists(pk)"
_TRIES: Final = 10
_SUSPENDED: Final = "attribute_type( #suspended_at , :text )"
_NOT_SUSPENDED: Final = f"NOT {_SUSPENDED}"
_A_TEXT: Final = {":text": "S"}


class DynamoWalletStore:
    """`WalletStore` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions

    def open(self, wallet: Wallet) -> None:
        """Store a new tenant's wallet; an existing one stays unchanged."""
        put = self._transactions.put(_partition(wallet.tenant_id), "WALLET", _as_item(wallet), _NEW)
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
        """Change a wallet's plan and limits; False where the plan is prepaid and the balance is negative."""
        fields = {"plan": plan.value, "cap_credits": cap_credits, **limits.model_dump()}
        values: dict[str, Any] = {f":{name}": value for name, value in fields.items()}
        condition = "attribute_exists(pk)"
        if plan is Plan.PREPAID:
            # A comparison with a missing attribute is false, so the wallet must exist.
            condition, values = "#balance >= :nothing", {**values, ":nothing": 0}
        expression = "SET " + " , ".join(f"#{name} = :{name}" for name in fields)
        wallet = self._transactions.update(_partition(tenant_id), "WALLET", expression, condition, values)
        calls = limit_calls(tenant_id, limits, self._transactions)
        return not self._transactions.write({WALLET: wallet, **calls}, self._transactions.deadline())

    def suspend(self, tenant_id: str, now: datetime) -> bool:
        """Let the tenant order nothing from now on; False where that is so already. A concurrent order is stored before
        or fails.
        """
        values = {":now": now.isoformat(), **_A_TEXT}
        condition = f"attribute_exists(pk) AND {_NOT_SUSPENDED}"
        return self._update(tenant_id, "SET #suspended_at = :now", condition, values)

    def resume(self, tenant_id: str) -> bool:
        """End a suspension; False where there is none."""
        return self._update(tenant_id, "REMOVE #suspended_at", _SUSPENDED, _A_TEXT)

    def _update(self, tenant_id: str, expression: str, condition: str, values: dict[str, Any]) -> bool:
        update = self._transactions.update(_partition(tenant_id), "WALLET", expression, condition, values)
        return not self._transactions.write({WALLET: update}, self._transactions.deadline())


def find_wallet(tenant_id: str, transactions: DynamoTransactions) -> Wallet | None:
    """A tenant's wallet, or None; raises `TransientError`."""
    item = transactions.get(_partition(tenant_id), "WALLET")
    return None if item is None else read(item, Wallet.model_validate)


def write_with_wallet(
    writes: dict[str, Write], movement: Movement, transactions: DynamoTransactions
) -> tuple[dict[str, Item], Wallet]:
    """Write all parts and the movement with its entries in one transaction, or nothing.

    Returns the parts and entries whose condition did not hold (empty on success), and the wallet after the movement,
    without the concurrent movements of others. Raises `LimitReachedError` and `OutOfCreditError` where the wallet or
    the cap of the order's key refuses a hold, `TenantSuspendedError` and `DrainingError` for an order while its tenant
    may not order, or nobody, `TransientError`, and `ConfigurationError` where the tenant has no wallet.
    """
    deadline = transactions.deadline()
    wallet, key_count = _wallet_for(movement, transactions), KeyCount(movement, transactions)
    for _ in range(_TRIES):
        if wallet is None:
            raise ConfigurationError(f"tenant {movement.tenant_id} has no wallet; create the tenant once more")
        moved = wallet.after(movement)
        entries = new_entries(movement.tenant_id, movement.entries, transactions)
        everything = {**writes, WALLET: _move(wallet, movement, transactions), **entries}
        failed = dict(transactions.write({**everything, **key_count.writes()}, deadline))
        now, key_is_stale = failed.pop(WALLET, None), key_count.is_stale(failed)
        if failed or (now is None and not key_is_stale):
            return failed, moved
        # Plan, limits, month, minute, counters or funds changed since the read; decide again by the current wallet.
        if now is not None:
            wallet = read(now, Wallet.model_validate) if now else None
    raise TransientError(f"the wallet of {movement.tenant_id} changed {_TRIES} times while it was written; try again")


def _wallet_for(movement: Movement, transactions: DynamoTransactions) -> Wallet | None:
    """The wallet of a movement. An order reads in the same call whether new orders are taken."""
    if not movement.buys:
        return find_wallet(movement.tenant_id, transactions)
    wallet_key = (_partition(movement.tenant_id), "WALLET")
    found = {(item["pk"], item["sk"]): item for item in transactions.get_all([wallet_key, drain_key()])}
    if is_draining(found.get(drain_key(), {})):
        raise DrainingError
    return read(found[wallet_key], Wallet.model_validate) if wallet_key in found else None


def new_entries(tenant_id: str, entries: Sequence[LedgerEntry], transactions: DynamoTransactions) -> dict[str, Write]:
    """The parts of a transaction that add entries to a ledger; a part fails where the ledger has its entry."""
    puts = {entry.entry_id: _put_entry(tenant_id, entry, transactions) for entry in entries}
    # The record of a job may expire; without this item, an order under its derived id would then be taken again.
    once = (entry.entry_id for entry in entries if entry.kind is EntryKind.HOLD)
    return puts | {f"{id_} once": transactions.put(_partition(tenant_id), f"ONCE#{id_}", {}, _NEW) for id_ in once}


def _put_entry(tenant_id: str, entry: LedgerEntry, transactions: DynamoTransactions) -> Write:
    return transactions.put(_partition(tenant_id), f"{_ENTRY}{entry.place}", entry.model_dump(mode="json"), _NEW)


@dataclass
class _Change:
    """An update under construction: expressions, conditions, and the values that both refer to."""

    sets: list[str] = field(default_factory=list)
    adds: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def expression(self) -> str:
        sets, adds = " , ".join(self.sets), " , ".join(self.adds)
        return f"SET {sets} ADD {adds}" if sets else f"ADD {adds}"


def _move(wallet: Wallet, movement: Movement, transactions: DynamoTransactions) -> Write:
    change = _Change(
        adds=["#granted :granted", "#balance :balance", "#held :held", "#spent :spent", "#open_jobs :open_jobs"],
        values={
            ":granted": movement.granted,
            ":balance": movement.balance,
            ":held": movement.held,
            ":spent": movement.spent,
            ":open_jobs": movement.open_jobs,
        },
    )
    if movement.buys:
        change.conditions.append(_NOT_SUSPENDED)
        change.values |= _A_TEXT
    committed = _count_in_month(wallet, movement, change)
    _count_lost(wallet, movement, change)
    if movement.is_hold:
        _require_discount(wallet, movement, change)
        _require_limits(wallet, movement, committed, change)
        _require_funds(wallet, movement, committed, change)
    condition = " AND ".join(change.conditions)
    return transactions.update(_partition(movement.tenant_id), "WALLET", change.expression, condition, change.values)


def _count_in_month(wallet: Wallet, movement: Movement, change: _Change) -> str:
    """Count a movement in its month; returns the attribute that holds the credits committed before it.

    The condition on the month also fails for a wallet that does not exist.
    """
    change.conditions.append("#month = :read_month")
    change.values |= {":read_month": wallet.month, ":committed": movement.held + movement.spent}
    month = wallet.in_month_of(movement.at).month
    if month == wallet.month:
        change.adds += ["#spent_in_month :spent", "#committed :committed"]
        return "#committed"
    change.sets += ["#month = :month", "#spent_in_month = :spent", "#committed = #held + :committed"]
    change.values[":month"] = month
    return "#held"


def _count_lost(wallet: Wallet, movement: Movement, change: _Change) -> None:
    """Count lost songs, songs at risk in open orders, and unpaid jobs; make an order conditional on the day's
    limits.
    """
    stake = movement.at_risk + movement.lost
    change.values |= {":at_risk": movement.at_risk, ":stake": stake}
    change.adds.append("#at_risk :at_risk")
    if not movement.counts_in_day:
        change.adds.append("#at_stake :stake")
        return
    change.conditions.append("#day = :read_day")
    change.values |= {":read_day": wallet.day, ":lost": movement.lost, ":unpaid": movement.unpaid}
    day, at_stake = wallet.in_day_of(movement.at).day, "#at_stake"
    if day != wallet.day:
        at_stake = "#at_risk"
        change.sets += [
            "#day = :day",
            "#lost_in_day = :lost",
            "#unpaid_in_day = :unpaid",
            "#at_stake = #at_risk + :stake",
        ]
        change.values[":day"] = day
    else:
        change.adds += ["#lost_in_day :lost", "#unpaid_in_day :unpaid", "#at_stake :stake"]
        if movement.buys:
            # Negated, because a comparison with an attribute that older wallets lack is false.
            below_unpaid_limit = "NOT #unpaid_in_day >= #unpaid_jobs_per_day"
            change.conditions += ["#lost_in_day < #lost_songs_per_day", below_unpaid_limit]
    if movement.buys and movement.at_risk:
        limit = wallet.lost_songs_per_day
        change.conditions += ["#lost_songs_per_day = :lost_limit", f"{at_stake} <= :stake_limit"]
        change.values |= {":lost_limit": limit, ":stake_limit": limit - movement.at_risk}


def _require_discount(wallet: Wallet, hold: Movement, change: _Change) -> None:
    """Make a priced order conditional on the plan's discounts, and on the tier that the month's spent credits reach."""
    if hold.discount_percent is None:
        return
    # Wallets that are older than discounts have neither attribute.
    change.conditions.append(
        "#discount_percent = :discount_percent"
        if wallet.discount_percent
        else "NOT #discount_percent > :discount_percent"
    )
    change.values[":discount_percent"] = wallet.discount_percent
    change.conditions.append(
        "#tiers = :tiers" if wallet.tiers else "( attribute_not_exists(#tiers) OR #tiers = :tiers )"
    )
    change.values[":tiers"] = [tier.model_dump() for tier in wallet.tiers]
    if wallet.tiers and wallet.in_month_of(hold.at).month == wallet.month:
        first, end = wallet.step_around(wallet.spent_in_month)
        change.conditions.append("#spent_in_month >= :tier_from")
        change.values[":tier_from"] = first
        if end is not None:
            change.conditions.append("#spent_in_month < :tier_end")
            change.values[":tier_end"] = end


def _require_limits(wallet: Wallet, hold: Movement, committed: str, change: _Change) -> None:
    """Count an order in its minute, and make it conditional on the limits that the wallet has at the write."""
    change.conditions += ["#minute = :read_minute", "#open_jobs < #concurrent_jobs"]
    change.values |= {":read_minute": wallet.minute, ":one": 1}
    minute = wallet.in_minute_of(hold.at).minute
    if minute == wallet.minute:
        change.conditions.append("#submits_in_minute < #submits_per_minute")
        change.adds.append("#submits_in_minute :one")
    else:
        change.sets += ["#minute = :minute", "#submits_in_minute = :one"]
        change.values[":minute"] = minute
    if wallet.monthly_credits is None:
        change.conditions.append("attribute_type( #monthly_credits , :nothing )")
        change.values[":nothing"] = "NULL"
    else:
        change.conditions += ["#monthly_credits = :monthly_credits", f"{committed} <= :monthly_limit"]
        monthly_limit = wallet.monthly_credits - hold.to_hold
        change.values |= {":monthly_credits": wallet.monthly_credits, ":monthly_limit": monthly_limit}


def _require_funds(wallet: Wallet, hold: Movement, committed: str, change: _Change) -> None:
    change.conditions.append("#plan = :plan")
    change.values[":plan"] = wallet.plan.value
    if wallet.cap_credits is None:
        change.conditions.append("#balance >= :hold")
        change.values[":hold"] = hold.to_hold
    else:
        change.conditions += ["#cap_credits = :cap", f"{committed} <= :limit"]
        change.values |= {":cap": wallet.cap_credits, ":limit": wallet.cap_credits - hold.to_hold}


def _as_item(wallet: Wallet) -> dict[str, Any]:
    # Conditions cannot add, so the sums that caps and daily limits compare are stored, too.
    sums = {"committed": wallet.committed, "at_stake": wallet.lost_in_day + wallet.at_risk}
    return {**wallet.model_dump(mode="json"), **sums}


def _partition(tenant_id: str) -> str:
    return f"WALLET#{tenant_id}"
