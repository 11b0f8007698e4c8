"""What an operator would have to act on now, found in the records; each finding is named after its alarm."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from pydantic import JsonValue

from fermata.domain.web.formats import rfc3339

OVERDUE_AFTER: Final = timedelta(minutes=15)
"""How long a job may be due before the reaper counts as silent; the template's alarm has the same."""
MOST_OVERDUE: Final = 100
"""Most overdue jobs that are counted."""
BUDGET_PERCENT: Final = 80
"""Percent of a day's budget from which on it is alarming; the template's alarm has the same."""
UNKNOWN_OUTCOMES: Final = 3
"""How many unknown outcomes of a provider are alarming; the template's alarm has the same."""
SEEN_BY_CLOUDWATCH_ALONE: Final = (
    *("ApiErrorsAlarm", "ApiLatencyAlarm", "DeadLettersAlarm", "ExecutionsFailedAlarm", "FunctionErrorsAlarm"),
    *("FunctionThrottlesAlarm", "TableThrottledAlarm", "UnreadableRecordsAlarm", "WalletDriftAlarm"),
    "WebhookBacklogAlarm",
)
"""The alarms of which no record tells."""


@dataclass(frozen=True)
class Findings:
    """What the records say: a view of each provider, jobs with unknown outcomes by provider, the totals of songs that
    can be redelivered and whether there are more, and how many jobs are overdue.
    """

    providers: tuple[Mapping[str, Any], ...]
    unknown: Mapping[str, int]
    recoverable: Mapping[str, Any]
    more_recoverable: bool
    overdue: int


def status_view(found: Findings, now: datetime) -> dict[str, JsonValue]:
    """The status as one screen: what is alarming first, then each provider in a line, then what waits for a person."""
    return {
        "at": rfc3339(now),
        "alarming": [*_alarming(found)],
        "providers": [_line(view, found.unknown[view["provider"]]) for view in found.providers],
        "to_redeliver": {**found.recoverable, "more": found.more_recoverable},
        "overdue_jobs": found.overdue,
        "seen_by_cloudwatch_alone": [*SEEN_BY_CLOUDWATCH_ALONE],
    }


def _alarming(found: Findings) -> Iterator[JsonValue]:
    if found.overdue:
        count = f"{found.overdue}{' or more' if found.overdue == MOST_OVERDUE else ''}"
        says = f"{count} jobs are due for a check for more than {OVERDUE_AFTER.seconds // 60} minutes"
        yield _finding("ReaperSilentAlarm", None, says, "read the log of ReapJobsFunction")
    for view in found.providers:
        yield from _of_a_provider(view, found.unknown[view["provider"]])
    if kept := found.recoverable["songs_kept"]:
        says = f"{kept}{' or more' if found.more_recoverable else ''} bought songs were not delivered and lie ready"
        yield _finding("SongsToRedeliverAlarm", None, says, "list-recoverable, then redeliver JOB")


def _of_a_provider(view: Mapping[str, Any], unknown: int) -> Iterator[JsonValue]:
    name, circuit, used = view["provider"], view["circuit"], _used_percent(view)
    if circuit["disabled_by"]:
        says = f"shut the account out ({circuit['disabled_by']})"
        yield _finding("ProviderDisabledAlarm", name, says, f"check-provider {name}, then enable-provider {name}")
    elif circuit["state"] != "closed":
        says = f"keeps failing; its circuit is {circuit['state']} until {circuit['open_until']}"
        yield _finding("CircuitOpenAlarm", name, says, "wait, or look at the provider's status page")
    if used is not None and used >= BUDGET_PERCENT:
        says = f"{used} % of the day's budget are spent"
        do = f"spend, then set-budget {name} USD, or wait until tomorrow (UTC)"
        yield _finding("ProviderBudgetAlarm", name, says, do)
    if unknown >= UNKNOWN_OUTCOMES:
        says = f"of {unknown} jobs it is unknown whether the provider charged"
        yield _finding("UnknownOutcomesAlarm", name, says, f"reconcile {name} FILE with its usage export")


def _finding(alarm: str, provider: str | None, says: str, do: str) -> JsonValue:
    return {"alarm": alarm, "provider": provider, "says": says, "do": do}


def _line(view: Mapping[str, Any], unknown: int) -> JsonValue:
    return {
        "provider": view["provider"],
        "paused_by": view["paused_by"],
        "circuit": view["circuit"]["state"],
        "budget_used_percent": _used_percent(view),
        "running": view["queue"]["running"],
        "waiting": view["queue"]["waiting"],
        "unknown_outcomes": unknown,
    }


def _used_percent(view: Mapping[str, Any]) -> int | None:
    budget = view["budget"]
    return (
        None if budget["limit_usd"] is None else int(100 * Decimal(budget["spent_usd"]) / Decimal(budget["limit_usd"]))
    )
