"""How much a tenant's plan lets it ask for: orders, reads and calls that cost nothing per calendar minute in UTC, jobs
that are open at once, and credits per calendar month.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from fermata.domain.web.whole_number import WholeNumber
from fermata.errors import RateLimitedError

Payer = Literal["operator", "tenant"]
WINDOW_S: Final = 60
DAY_S: Final = 86_400
LOOK_AGAIN_S: Final = 10
"""When it makes sense to order again after too many open jobs; nobody knows when the next one ends."""

MAX_AMOUNT: Final = 1_000_000_000
"""Most credits that one grant or one cap may have; a longer number is a slip of the keyboard."""

Count = Annotated[WholeNumber, Field(ge=1, le=1_000_000)]
Credits = Annotated[WholeNumber, Field(gt=0, le=MAX_AMOUNT)]


class PlanLimits(BaseModel):
    """What an operator allows a tenant, and may set; the defaults are those of a new tenant and of a plan that names
    none.
    `refused_orders_per_minute` bounds the orders that made no job because they were refused or repeated,
    `changes_per_minute` DELETEs, replays of webhooks and offers to upload, and by themselves the cancels that took
    nothing back, `trigger_calls_per_minute` the events, files and lines of files that made no job.
    `lost_songs_per_day` bounds the songs of a UTC day that a provider was or may have been paid for and the tenant was
    not, `waiting_requests` those that are held at once until a job ends, `references_per_day` the offers to upload a
    recording in a UTC day, `webhook_posts_per_job` all posts that tell of one job's end, `webhook_repeats_per_minute`
    those of all jobs that are not the first of their job.
    `unpaid_jobs_per_day` bounds the jobs of a UTC day that their caller ended before anything was bought.
    `unknown_paid_by` says who pays for an attempt of unknown outcome where `on_unknown` let another model deliver.
    `monthly_credits` bounds what is spent in the month and held, whatever the plan; None leaves that to the plan.
    """

    model_config = ConfigDict(frozen=True)

    submits_per_minute: Count = 60
    reads_per_minute: Count = 600
    concurrent_jobs: Count = 100
    refused_orders_per_minute: Count = 120
    changes_per_minute: Count = 120
    trigger_calls_per_minute: Count = 600
    lost_songs_per_day: Count = 20
    unpaid_jobs_per_day: Count = 1000
    waiting_requests: Count = 5
    references_per_day: Count = 1000
    webhook_posts_per_job: Count = 100
    webhook_repeats_per_minute: Count = 120
    unknown_paid_by: Payer = "operator"
    monthly_credits: Credits | None = None

    @property
    def limits(self) -> "PlanLimits":
        """These limits alone."""
        return PlanLimits.model_validate({name: getattr(self, name) for name in PlanLimits.model_fields})


DEFAULT_LIMITS: Final = PlanLimits()


def limits_of(plan: PlanLimits | None) -> PlanLimits:
    """The limits of a wallet's plan; the usual ones where there is no wallet."""
    return DEFAULT_LIMITS if plan is None else plan


@dataclass(frozen=True)
class CallKind:
    """A kind of calls that a plan limits by the minute: its name in `RateLimit`, in words, as a counter, and that of
    its limit in `PlanLimits`.
    """

    policy: str
    what: str
    counter: str
    limit: str


READS: Final = CallKind("read", "reads", "reads", "reads_per_minute")
REFUSED_ORDERS: Final = CallKind(
    "refused", "orders that are refused or repeated", "refused_orders", "refused_orders_per_minute"
)
CHANGES: Final = CallKind("change", "deletions, webhook replays and uploads", "changes", "changes_per_minute")
CANCELS: Final = CallKind("cancel", "cancels that take nothing back", "cancels", "changes_per_minute")
TRIGGER_CALLS: Final = CallKind(
    "trigger", "events, files and lines that make no job", "trigger_calls", "trigger_calls_per_minute"
)
WEBHOOK_REPEATS: Final = CallKind(
    "webhook", "posts that repeat a webhook", "webhook_repeats", "webhook_repeats_per_minute"
)
CALL_KINDS: Final = (READS, REFUSED_ORDERS, CHANGES, CANCELS, TRIGGER_CALLS, WEBHOOK_REPEATS)


@dataclass(frozen=True)
class Allowance:
    """How much of a limit per `window_s` seconds is left, and in how many seconds all of it is there again; `exceeded`
    where this request goes beyond it. `what` names what is limited.
    """

    policy: str
    quota: int
    remaining: int
    resets_in_s: int
    exceeded: bool = False
    window_s: int = WINDOW_S
    what: str = "requests"

    def refusal(self) -> RateLimitedError:
        """The error for a request that goes beyond it."""
        return RateLimitedError(self.what, self.quota, self.resets_in_s, "day" if self.window_s == DAY_S else "minute")


def submit_allowance(quota: int, used: int, now: datetime) -> Allowance:
    """What is left of a tenant's orders in this minute."""
    return Allowance("submit", quota, max(0, quota - used), left_of_minute_s(now), what="orders")


def call_allowance(kind: CallKind, quota: int, used: int, now: datetime) -> Allowance:
    """What is left of a tenant's calls of a kind in this minute, of which `used` counts this one too."""
    left = max(0, quota - used)
    return Allowance(kind.policy, quota, left, left_of_minute_s(now), exceeded=used > quota, what=kind.what)


def reference_allowance(quota: int, used: int, now: datetime) -> Allowance:
    """What is left of the uploads that a tenant may be offered on this day in UTC, of which `used` counts this one."""
    left, resets_in_s = max(0, quota - used), left_of_day_s(now)
    return Allowance("reference", quota, left, resets_in_s, used > quota, DAY_S, "uploads")


def minute_of(moment: datetime) -> str:
    """The calendar minute of a UTC moment; minutes compare as text."""
    return f"{moment:%Y-%m-%dT%H:%M}"


def left_of_minute_s(moment: datetime) -> int:
    """Whole seconds until the next minute begins, 1 to 60."""
    return WINDOW_S - moment.second


def left_of_day_s(moment: datetime) -> int:
    """Whole seconds until the next day begins in UTC, 1 to 86,400."""
    return DAY_S - (moment.hour * 3600 + moment.minute * 60 + moment.second)


def left_of_month_s(moment: datetime) -> int:
    """Whole seconds until the next month begins in UTC."""
    next_month = (moment.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return int((next_month - moment).total_seconds()) + 1
