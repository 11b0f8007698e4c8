"""How much a tenant's plan lets it ask for: orders and reads per calendar minute in UTC, jobs that are open at once,
and credits per calendar month.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, PositiveInt

Payer = Literal["operator", "tenant"]
WINDOW_S: Final = 60
LOOK_AGAIN_S: Final = 10
"""When it makes sense to order again after too many open jobs; nobody knows when the next one ends."""


class PlanLimits(BaseModel):
    """What an operator allows a tenant; the defaults are those of a new tenant and of a plan that names none.
    `lost_songs_per_day` bounds the songs of a UTC day that a provider was or may have been paid for and the tenant was
    not, `waiting_requests` those that are held at once until a job ends, `references_per_day` the offers to upload a
    recording in a UTC day, `webhook_posts_per_job` all posts that tell of one job's end.
    `unknown_paid_by` says who pays for an attempt of unknown outcome where `on_unknown` let another model deliver.
    `monthly_credits` bounds what is spent in the month and held, whatever the plan; None leaves that to the plan.
    """

    model_config = ConfigDict(frozen=True)

    submits_per_minute: PositiveInt = 60
    reads_per_minute: PositiveInt = 600
    concurrent_jobs: PositiveInt = 100
    lost_songs_per_day: PositiveInt = 20
    waiting_requests: PositiveInt = 5
    references_per_day: PositiveInt = 1000
    webhook_posts_per_job: PositiveInt = 100
    unknown_paid_by: Payer = "operator"
    monthly_credits: PositiveInt | None = None

    @property
    def limits(self) -> "PlanLimits":
        """These limits alone."""
        return PlanLimits.model_validate({name: getattr(self, name) for name in PlanLimits.model_fields})


DEFAULT_LIMITS: Final = PlanLimits()


@dataclass(frozen=True)
class Allowance:
    """How much of a limit per minute is left, and in how many seconds all of it is there again; `exceeded` where this
    request goes beyond it.
    """

    policy: str
    quota: int
    remaining: int
    resets_in_s: int
    exceeded: bool = False


def submit_allowance(quota: int, used: int, now: datetime) -> Allowance:
    """What is left of a tenant's orders in this minute."""
    return Allowance("submit", quota, max(0, quota - used), left_of_minute_s(now))


def read_allowance(quota: int, used: int, now: datetime) -> Allowance:
    """What is left of a tenant's reads in this minute, of which `used` counts this one too."""
    return Allowance("read", quota, max(0, quota - used), left_of_minute_s(now), exceeded=used > quota)


def minute_of(moment: datetime) -> str:
    """The calendar minute of a UTC moment; minutes compare as text."""
    return f"{moment:%Y-%m-%dT%H:%M}"


def left_of_minute_s(moment: datetime) -> int:
    """Whole seconds until the next minute begins, 1 to 60."""
    return WINDOW_S - moment.second


def day_of(moment: datetime) -> str:
    """The calendar day of a UTC moment; days compare as text."""
    return f"{moment:%Y-%m-%d}"


def left_of_day_s(moment: datetime) -> int:
    """Whole seconds until the next day begins in UTC."""
    return 86_400 - (moment.hour * 3600 + moment.minute * 60 + moment.second)


def left_of_month_s(moment: datetime) -> int:
    """Whole seconds until the next month begins in UTC."""
    next_month = (moment.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return int((next_month - moment).total_seconds()) + 1
