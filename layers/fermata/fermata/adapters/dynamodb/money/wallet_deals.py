"""The items of a hot tenant's wallet in DynamoDB, and how they are dealt out: `WALLET#<tenant>`/`WALLET` with `shards`
has the plan, and `WALLET#<tenant>#<shard>`/`SHARE` a small wallet with its part of every bound, and what it `lent`.

All are dealt again in two transactions: one writes `closed` into each item, after which no other movement is written,
and one writes them anew. Whoever finds a wallet closed for longer than that takes deals it out as it was, so a crash
between both keeps nobody waiting for long. A release before shards may still settle a job in the first item, which has
neither balance nor cap of its own, so that such a release cannot order by it.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fermata.adapters.dynamodb.items import Item
from fermata.adapters.dynamodb.money.wallet_changes import Key, as_item
from fermata.adapters.dynamodb.reading import read
from fermata.adapters.dynamodb.transactions import DynamoTransactions, Write
from fermata.domain.money.wallet import Wallet
from fermata.domain.money.wallet_shares import Share, dealt, total_of, without_counts
from fermata.domain.providers.budget_shares import SHARDS
from fermata.errors import TransientError

WHOLE: Final = "attribute_exists(pk) AND attribute_not_exists(#shards)"
"""Holds for a wallet that is one item."""
SPREAD: Final = "attribute_exists(#shards) AND attribute_not_exists(#closed)"
"""Holds for the first item of a wallet with shards, unless it is being dealt."""
LIVE: Final = "attribute_exists(pk) AND attribute_not_exists(#closed)"
"""Holds for a shard, unless its wallet is being dealt, or is one item again."""
PLAN: Final = 0
"""The first of a wallet's items; the shards follow."""

_PATIENCE: Final = 6
"""How often a run looks at a closed wallet before it opens it: after 0.7 s on average."""
_NOT_HERE: Final = "whole"
"""What a shard says in `closed` while its wallet is one item."""
_FROZEN: Final = "#closed = :token"
_FREE_PLACE: Final = "attribute_not_exists(pk) OR #closed = :whole"
_NOT_IN_A_SHARE: Final = {"own_voices"}
_COUNTED: Final = (
    "granted",
    "balance",
    "held",
    "spent",
    "open_jobs",
    "month",
    "spent_in_month",
    "day",
    "lost_in_day",
    "unpaid_in_day",
    "at_risk",
)
_OF_A_SHARE: Final = (
    "granted",
    "balance",
    "held",
    "spent",
    "spent_in_month",
    "open_jobs",
    "submits_in_minute",
    "concurrent_jobs",
    "submits_per_minute",
    "lost_in_day",
    "unpaid_in_day",
    "at_risk",
)
_OR_NONE: Final = ("cap_credits", "monthly_credits")
_TEXTS: Final = ("month", "minute", "day")


def wallet_keys(tenant_id: str) -> list[Key]:
    """The keys of a wallet's items: of the plan, or of the whole wallet, and of the shards."""
    return [(f"WALLET#{tenant_id}", "WALLET"), *((f"WALLET#{tenant_id}#{shard}", "SHARE") for shard in range(SHARDS))]


def is_spread(item: Item) -> bool:
    """Whether the first item of a wallet says that it has shards."""
    return "shards" in item


def plan_of(item: Item) -> Wallet:
    """The plan and what counts in the first item of a wallet."""
    return read(item, lambda stored: Wallet.model_validate(_with_cap(stored)))


def share_of(item: Item, plan: Wallet) -> Share:
    """A share from its item; raises `UnreadableRecordError`."""
    return read(item, lambda stored: Share(plan.model_copy(update=_share(stored)), int(stored["lent"])))


@dataclass(frozen=True)
class Spread:
    """A wallet with shards, read item by item. `deal` names the one by which all of them were dealt."""

    deal: str
    plan: Wallet
    shares: tuple[Share, ...]

    @property
    def total(self) -> Wallet:
        """The whole wallet."""
        return total_of(self.plan, self.shares)


def read_shares(item: Item, keys: Sequence[Key], transactions: DynamoTransactions) -> Spread | None:
    """The wallet with this first item and its shards; None where it was dealt again meanwhile."""
    found = _by_key(transactions.get_all(keys[1:]))
    if any(found.get(key, {}).get("dealt") != item.get("dealt") for key in keys[1:]):
        return None
    plan = plan_of(item)
    return Spread(str(item["dealt"]), plan, tuple(share_of(found[key], plan) for key in keys[1:]))


class Deals:
    """Deals one tenant's wallet. `deadline` ends its transactions."""

    def __init__(self, tenant_id: str, transactions: DynamoTransactions, deadline: float) -> None:
        self.keys = wallet_keys(tenant_id)
        self._tenant_id = tenant_id
        self._transactions = transactions
        self._deadline = deadline
        self._seen = ("", 0)

    def first(self) -> Item | None:
        """The first item, or None."""
        return self._transactions.get(*self.keys[PLAN])

    def wait(self, item: Item) -> bool:
        """Whether the wallet was closed: then wait for the run that deals it, or open it in its place. Raises
        `TransientError`.
        """
        closed = str(item.get("closed", ""))
        if not closed:
            return False
        token, times = self._seen
        self._seen = (closed, times + 1 if token == closed else 1)
        if self._seen[1] > _PATIENCE:
            self.deal(closed)
        else:
            late = TransientError(f"the wallet of {self._tenant_id} is being dealt out; try again")
            self._transactions.wait(self._seen[1], self._deadline, late)
        return True

    def close(self, item: Item) -> str | None:
        """Let no other run change the wallet that has this first item. Returns what its items say in `closed`; None
        where another run came before.
        """
        token = secrets.token_hex(8)
        spread = is_spread(item)
        values = {":token": token, ":shards": SHARDS}
        set_, fence = "SET #closed = :token , #shards = :shards", SPREAD if spread else WHOLE
        parts = {"plan": self._transactions.update(*self.keys[PLAN], set_, fence, values)}
        for shard, key in enumerate(self.keys[1:] if spread else ()):
            set_, values = "SET #closed = :token", {":token": token}
            parts[f"share {shard}"] = self._transactions.update(*key, set_, LIVE, values)
        return None if self._transactions.write(parts, self._deadline) else token

    def deal(
        self,
        token: str,
        change: Callable[[Wallet], Wallet | None] = lambda wallet: wallet,
        more: Mapping[str, Write] | None = None,
    ) -> bool | None:
        """Deal out the wallet that this token closed, together with `more`; whole if it is not hot.

        `change` makes the wallet's new plan, or returns None where that is not possible, and then all stays as it was.
        Returns whether the change was made; None where another run opened the wallet before.
        """
        found = _by_key(self._transactions.get_all(self.keys))
        first = found.get(self.keys[PLAN], {})
        if first.get("closed") != token:
            return None
        mine = {key: item for key, item in found.items() if item.get("closed") == token}
        plan = plan_of(first)
        whole = total_of(plan, [share_of(mine[key], plan) for key in self.keys[1:] if key in mine])
        wanted = change(whole)
        parts = self._parts(first, mine, wanted or whole)
        if self._transactions.write({**parts, **(more or {} if wanted else {})}, self._deadline):
            return None
        return wanted is not None

    def deal_again(self, item: Item) -> None:
        """Deal out anew what is left, unless another run does."""
        token = self.close(item)
        if token is not None:
            self.deal(token)

    def _parts(self, first: Item, mine: Mapping[Key, Item], whole: Wallet) -> dict[str, Write]:
        shares = dealt(whole)
        condition, values = _unchanged(first)
        plan = as_item(whole) if shares is None else _plan_item(whole)
        deal = {} if shares is None else {"dealt": str(first["closed"])}
        parts = {"plan": self._transactions.put(*self.keys[PLAN], {**plan, **deal}, condition, values)}
        for number, key in enumerate(self.keys[1:]):
            frozen = {":token": first["closed"]}
            place = (_FROZEN, frozen) if key in mine else (_FREE_PLACE, {":whole": _NOT_HERE})
            if shares is not None:
                share = {**_share_item(shares[number]), **deal}
                parts[f"share {number}"] = self._transactions.put(*key, share, *place)
            elif key in mine:
                parts[f"share {number}"] = self._transactions.put(*key, {"closed": _NOT_HERE}, *place)
        return parts


def _unchanged(first: Item) -> tuple[str, dict[str, Any]]:
    """The condition that a closed wallet's first item counts what it did; earlier releases see no `closed`."""
    values: dict[str, Any] = {":token": first["closed"]}
    conditions = [_FROZEN]
    for name in _COUNTED:
        if name in first:
            conditions.append(f"#{name} = :read_{name}")
            values[f":read_{name}"] = first[name]
        else:
            conditions.append(f"attribute_not_exists(#{name})")
    return " AND ".join(conditions), values


def _plan_item(whole: Wallet) -> dict[str, Any]:
    item = as_item(without_counts(whole))
    no_cap = None if whole.cap_credits is None else 0
    return {**item, "committed": 0, "cap_credits": no_cap, "whole_cap": whole.cap_credits, "shards": SHARDS}


def _share_item(share: Share) -> dict[str, Any]:
    kept = {name: value for name, value in as_item(share.wallet).items() if name not in _NOT_IN_A_SHARE}
    return {**kept, "lent": share.lent}


def _with_cap(item: Item) -> Item:
    return {**item, "cap_credits": item["whole_cap"]} if "whole_cap" in item else item


def _share(item: Item) -> dict[str, Any]:
    numbers = {name: int(item[name]) for name in _OF_A_SHARE}
    perhaps = {name: None if item[name] is None else int(item[name]) for name in _OR_NONE}
    return {**numbers, **perhaps, **{name: str(item[name]) for name in _TEXTS}}


def _by_key(items: Sequence[Item]) -> dict[Key, Item]:
    return {(item["pk"], item["sk"]): item for item in items}
