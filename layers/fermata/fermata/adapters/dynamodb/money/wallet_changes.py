"""The conditional updates that make a movement in the item of a wallet, whole or a share of one.

They add to the counters instead of replacing them, so that concurrent jobs of a tenant do not force each other to read
the wallet again.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from fermata.adapters.dynamodb.transactions import DynamoTransactions, Write
from fermata.domain.money.movement import Movement
from fermata.domain.money.wallet import Wallet

Key = tuple[str, str]

A_TEXT: Final = {":text": "S"}
SUSPENDED: Final = "attribute_type( #suspended_at , :text )"
NOT_SUSPENDED: Final = f"NOT {SUSPENDED}"


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

    def part(self, key: Key, transactions: DynamoTransactions) -> Write:
        """The part of a transaction that makes it."""
        return transactions.update(*key, self.expression, " AND ".join(self.conditions), self.values)


def moved(
    key: Key, wallet: Wallet, movement: Movement, fence: str, transactions: DynamoTransactions, day: str = ""
) -> Write:
    """The part of a transaction that moves the item at `key`, read as `wallet`, if it is as the movement needs it and
    `fence` holds. `day` is the latest day that any share of the wallet has begun.
    """
    change = _Change(
        adds=["#granted :granted", "#balance :balance", "#held :held", "#spent :spent", "#open_jobs :open_jobs"],
        values={
            ":granted": movement.granted,
            ":balance": movement.balance,
            ":held": movement.held,
            ":spent": movement.spent,
            ":open_jobs": movement.open_jobs,
        },
        conditions=[fence],
    )
    if movement.buys:
        change.conditions.append(NOT_SUSPENDED)
        change.values |= A_TEXT
    committed = _count_in_month(wallet, movement, change)
    _count_lost(wallet, movement, change, day)
    if movement.is_hold:
        _require_discount(wallet, movement, change)
        _require_limits(wallet, movement, committed, change)
        _require_funds(wallet, movement, committed, change)
    return change.part(key, transactions)


def lost(key: Key, wallet: Wallet, movement: Movement, fence: str, transactions: DynamoTransactions, day: str) -> Write:
    """The part of a transaction that counts nothing but what a movement loses or may lose."""
    change = _Change(conditions=[fence])
    _count_lost(wallet, movement, change, day)
    return change.part(key, transactions)


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


def _count_lost(wallet: Wallet, movement: Movement, change: _Change, latest: str) -> None:
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
    day, at_stake = max(wallet.in_day_of(movement.at).day, latest), "#at_stake"
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
        # The share of a wallet may have lent all its orders.
        change.conditions.append("#submits_per_minute >= :one")
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


def as_item(wallet: Wallet) -> dict[str, Any]:
    """The attributes of a wallet."""
    # Conditions cannot add, so the sums that caps and daily limits compare are stored, too.
    sums = {"committed": wallet.committed, "at_stake": wallet.lost_in_day + wallet.at_risk}
    return {**wallet.model_dump(mode="json"), **sums}
