"""What one job needs of each limit, from the counts that `make cost` keeps, and the limits of a new AWS account."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.cost.counts import INDICES, Counts

QUOTAS: Final = Path(__file__).with_name("quotas.json")
PLACES: Final = "Lambda, runs at once"
TABLE: Final = "DynamoDB, write units of the table"
UNITS_A_WRITE: Final = 2
"""Write units of a transaction for an item of at most 1 KiB (DynamoDB's guide to transactions)."""
OF_ONE_JOB: Final = ("JOB", "REQUEST", INDICES)
"""The kinds of items that only one job writes begin so."""
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
class Needs:
    """What a job of a shape takes: tokens of each bucket, runs of functions, write units of each shared item."""

    shape: str
    tokens: Mapping[str, float]
    runs: tuple[Run, ...]
    items: Mapping[str, float]

    @property
    def place_seconds(self) -> float:
        """The seconds of all its runs, which is how many run at once for one job a second."""
        return sum(run.seconds for run in self.runs)

    def writes(self, item: str) -> int:
        """How many transactions of the job change a shared item."""
        return max(1, round(self.items[item] / UNITS_A_WRITE))


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
    shared = {name: amount for name, amount in units.items() if not name.startswith(OF_ONE_JOB)}
    return Needs(shape, {name: amount for name, amount in tokens.items() if amount}, runs, shared)
