"""Scheduled rules, with their functions and intervals, and the timers that run them."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any, Final
from uuid import uuid4

from local.deploy.deployment import ACCOUNT_ID, REGION, unqualified

_RATE: Final = re.compile(r"rate\(([1-9][0-9]*) (minute|hour|day)s?\)")
_UNIT_S: Final = {"minute": 60, "hour": 3600, "day": 86400}


@dataclass(frozen=True)
class Schedule:
    """A rule that runs one function at an interval in seconds."""

    rule_arn: str
    every_s: int
    target: Mapping[str, Any]

    @property
    def function(self) -> str:
        """The function's folder: `reap_jobs` for `fermata-ReapJobsFunction`."""
        logical_id = unqualified(str(self.target["Arn"])).rpartition("-")[2].removesuffix("Function")
        return re.sub(r"(?<!^)(?=[A-Z])", "_", logical_id).lower()

    def event(self) -> dict[str, Any]:
        """The event that EventBridge sends to the target now."""
        return {
            "version": "0",
            "id": str(uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT_ID,
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": REGION,
            "resources": [self.rule_arn],
            "detail": {},
        }


def rate_s(expression: str) -> int | None:
    """The interval in seconds of an expression such as `rate(5 minutes)`, None for any other."""
    found = _RATE.fullmatch(expression)
    return int(found[1]) * _UNIT_S[found[2]] if found else None


def read_schedules(events: Any) -> list[Schedule]:  # noqa: ANN401 (a boto3 client)
    """The enabled scheduled rules, read with an EventBridge client of the cloud."""
    rules = [rule for page in events.get_paginator("list_rules").paginate() for rule in page["Rules"]]
    return [
        Schedule(rule["Arn"], every_s, target)
        for rule in rules
        if (every_s := rate_s(rule.get("ScheduleExpression", ""))) and rule["State"] == "ENABLED"
        for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        if ":lambda:" in target["Arn"]
    ]


class Timers:
    """One thread for each schedule; `deliver` takes a rule's ARN, the target and the event."""

    def __init__(
        self, schedules: Iterable[Schedule], deliver: Callable[[str, Mapping[str, Any], Mapping[str, Any]], None]
    ) -> None:
        self._deliver, self._stopped = deliver, Event()
        self._threads = [Thread(target=self._run, args=(each,), daemon=True) for each in schedules]

    def start(self) -> None:
        """Start the timers; each schedule first runs after one interval."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop the timers."""
        self._stopped.set()

    def _run(self, schedule: Schedule) -> None:
        while not self._stopped.wait(schedule.every_s):
            self._deliver(schedule.rule_arn, schedule.target, schedule.event())
