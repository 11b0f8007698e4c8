"""Drain the stack for maintenance: it takes no new orders, and what runs goes on to its end."""

from datetime import datetime
from itertools import islice
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, StrictBool

from fermata.domain.providers.spending import NEW_ORDERS
from fermata.domain.web.formats import rfc3339
from fermata.ports.jobs import DueJobs
from fermata.ports.providers import BrakeStore

MOST_OPEN: Final = 1000
"""Most open jobs that are counted."""


class Drain(BaseModel):
    """Refuse every tenant's new orders with 503 until `end`; redeliveries and everything else go on."""

    model_config = ConfigDict(defer_build=True, extra="forbid")

    action: Literal["drain"]
    end: StrictBool = False


def drain(command: Drain, brakes: BrakeStore, due: DueJobs, now: datetime) -> dict[str, JsonValue]:
    """Begin or end maintenance, from the next order on. Repeated, it changes nothing and tells how many jobs are open.
    Raises `TransientError`.
    """
    changed = brakes.resume(NEW_ORDERS) if command.end else brakes.pause(NEW_ORDERS, now)
    return {**draining_view(brakes, due), "changed": changed}


def draining_view(brakes: BrakeStore, due: DueJobs) -> dict[str, JsonValue]:
    """Since when no new orders are taken, null if they are, and how many jobs are open. Raises `TransientError`."""
    found = sum(1 for _ in islice(due.open_jobs(), MOST_OPEN + 1))
    return {
        "draining_since": rfc3339(brakes.paused_since(NEW_ORDERS)),
        "open_jobs": min(found, MOST_OPEN),
        "more_open_jobs": found > MOST_OPEN,
    }
