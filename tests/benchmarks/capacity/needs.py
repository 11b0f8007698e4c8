"""What one job needs of each limit, from the counts that `make cost` keeps, and the limits of a new AWS account."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from fermata.domain.providers.budget_shares import SHARDS
from tests.benchmarks.capacity.limits import ITEM_UNITS_A_SECOND
from tests.benchmarks.cost.counts import Counts

QUOTAS: Final = Path(__file__).with_name("quotas.json")
PLACES: Final = "Lambda, runs at once"
TABLE: Final = "DynamoDB, write units of the table"
UNITS_A_WRITE: Final = 2
"""Write units of a transaction for an item of at most 1 KiB (DynamoDB's guide to transactions)."""
_WALLET: Final = "the wallet of one hot tenant"
SHARED: Final[Mapping[str, tuple[str, int]]] = {
    "WALLET/WALLET": (_WALLET, SHARDS),
    "USAGE/DATE": ("the day's usage of one tenant and model", SHARDS),
    "BUDGET/DATE": ("the day's budget of one provider", SHARDS),
    "PROVIDER/NEXT": ("the next start at one provider", 1),
    "ESTIMATES/MODEL": ("the estimates of one model", 1),
}
"""The items that jobs share, by their kind in the counts: whose they are, and over how many each is spread."""
_OF_A_TENANT: Final = (_WALLET, "the day's usage of one tenant and model")
_ACTIONS: Final[Mapping[str, str]] = {
    "states:StartExecution": "Step Functions, StartExecution",
    "states:SendTaskSuccess": "Step Functions, SendTaskSuccess",
    "events:PutEvents": "EventBridge, PutEvents",
}


@cache
def quotas() -> Mapping[str, Any]:
    """`quotas.json`."""
    return dict(json.loads(QUOTAS.read_text("utf-8")))


@dataclass(frozen=True)
class Run:
    """A run of a function, for so many seconds, after so many in which no function runs."""

    function: str
    seconds: float
    after_s: float = 0


@dataclass(frozen=True)
class Shared:
    """An item that jobs share, spread over `shards` items, of which a job takes `units` write units."""

    name: str
    units: float
    shards: int = 1

    @property
    def transactions(self) -> int:
        """How many transactions of a job change it; 0 for a plain write, which conflicts with nothing."""
        return int(self.units // UNITS_A_WRITE)

    def per_second(self, transactions_a_second: float) -> float:
        """How many jobs a second it bears, where one item bears so many transactions of many jobs."""
        if not self.transactions:
            return self.shards * ITEM_UNITS_A_SECOND / self.units
        return self.shards * transactions_a_second / self.transactions


@dataclass(frozen=True)
class Needs:
    """What a job of a shape takes: tokens of each bucket, runs of functions, write units of each shared item."""

    shape: str
    tokens: Mapping[str, float]
    runs: tuple[Run, ...]
    items: tuple[Shared, ...] = ()

    def among(self, tenants: int) -> "Needs":
        """The same for jobs of so many tenants, each of which has items of its own, and of which none is hot."""
        items = (
            replace(item, shards=(1 if item.name == _WALLET else item.shards) * tenants)
            if item.name in _OF_A_TENANT
            else item
            for item in self.items
        )
        return replace(self, items=tuple(items))

    @property
    def place_seconds(self) -> float:
        """The seconds of all its runs, which is how many run at once for one job a second."""
        return sum(run.seconds for run in self.runs)


def needs_of(shape: str, counts: Counts, runs: tuple[Run, ...]) -> Needs:
    """The needs of a shape by its counts."""
    calls: dict[str, float] = {}
    for of_function in counts["calls"].values():
        for action, times in of_function.items():
            if action in _ACTIONS:
                calls[_ACTIONS[action]] = calls.get(_ACTIONS[action], 0) + times
    units = counts["write units"]
    tokens = {
        "API Gateway, requests": counts["requests"],
        "Step Functions, state transitions": counts["transitions"],
        TABLE: sum(units.values()),
        "S3, writes below one prefix": counts["S3 writes"],
        **calls,
    }
    shared = tuple(Shared(name, units[kind], shards) for kind, (name, shards) in SHARED.items() if kind in units)
    return Needs(shape, {name: amount for name, amount in tokens.items() if amount}, runs, shared)
