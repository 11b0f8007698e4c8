"""The limits of a tenant's plan: orders, reads and free calls per calendar minute in UTC, concurrently open jobs, and
credits per calendar month.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import Field, StrictBool, StrictStr

from fermata.domain.tenants.discounts import Discounts
from fermata.domain.web.whole_number import WholeNumber
from fermata.limit_errors import RateLimitedError

Payer = Literal["operator", "tenant"]
WINDOW_S: Final = 60
DAY_S: Final = 86_400
LOOK_AGAIN_S: Final = 10
"""Seconds after which to order again after too many open jobs; the end of the next job is not known."""

MAX_AMOUNT: Final = 1_000_000_000
"""Most credits of one grant or one cap; a longer number is a typing error."""

Count = Annotated[WholeNumber, Field(ge=1, le=1_000_000)]
Credits = Annotated[WholeNumber, Field(gt=0, le=MAX_AMOUNT)]
MOST_OWN_VOICES: Final = 50
OwnVoice = Annotated[StrictStr, Field(min_length=1, max_length=100, pattern=r"^[!-~]+$")]
"""The id of a voice at its provider: visible ASCII characters without spaces."""


class PlanLimits(Discounts):
    """A tenant's limits, which the operator may set; the defaults apply to new tenants and to plans without limits.
    `refused_orders_per_minute` bounds refused or repeated orders, which created no job.
    `changes_per_minute` bounds DELETEs, webhook replays, upload offers and changes of the account together, and, in a
    separate count, cancels without effect.
    `trigger_calls_per_minute` bounds events, files and lines of files that created no job.
    `lost_songs_per_day` bounds the songs of a UTC day that a provider charged or may have charged and the tenant did
    not pay. `waiting_requests` bounds concurrent requests that wait for a job's end, `references_per_day` the upload
    offers of a UTC day, `webhook_posts_per_job` all posts about one job's end, and `webhook_repeats_per_minute` the
    posts of all jobs except the first of each job, tests of the endpoint included.
    `unpaid_jobs_per_day` bounds the jobs of a UTC day that their caller ended before a purchase.
    `unknown_paid_by` is who pays for an attempt of unknown outcome if `on_unknown` let another model deliver.
    `foreign_reference_ids` lets orders name a provider's ids of recordings that no upload of the tenant made.
    `own_voices` are voices of the operator's account at a provider that this tenant may order, though they are not
    offered to everybody.
    `monthly_credits` bounds the credits spent in the month plus those held, on any plan; None means no such bound.
    The discounts of a plan stand beside its limits.
    """

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
    foreign_reference_ids: StrictBool = False
    own_voices: Annotated[tuple[OwnVoice, ...], Field(max_length=MOST_OWN_VOICES)] = ()
    monthly_credits: Credits | None = None

    @property
    def limits(self) -> "PlanLimits":
        """These limits alone."""
        return PlanLimits.model_validate({name: getattr(self, name) for name in PlanLimits.model_fields})


# Constructed, so that no import builds the validator: defaults need none.
DEFAULT_LIMITS: Final = PlanLimits.model_construct()


def limits_of(plan: PlanLimits | None) -> PlanLimits:
    """The limits of a wallet's plan; the defaults without a wallet."""
    return DEFAULT_LIMITS if plan is None else plan


@dataclass(frozen=True)
class CallKind:
    """A kind of calls that a plan limits per minute: its name in `RateLimit`, in messages and as a counter, and the
    name of its limit in `PlanLimits`.
    """

    policy: str
    what: str
    counter: str
    limit: str


READS: Final = CallKind("read", "reads", "reads", "reads_per_minute")
REFUSED_ORDERS: Final = CallKind(
    "refused", "orders that are refused or repeated", "refused_orders", "refused_orders_per_minute"
)
CHANGES: Final = CallKind(
    "change", "deletions, webhook replays, uploads and changes of the account", "changes", "changes_per_minute"
)
CANCELS: Final = CallKind("cancel", "cancels without effect", "cancels", "changes_per_minute")
TRIGGER_CALLS: Final = CallKind(
    "trigger", "events, files and lines that make no job", "trigger_calls", "trigger_calls_per_minute"
)
WEBHOOK_REPEATS: Final = CallKind(
    "webhook", "posts that repeat or test a webhook", "webhook_repeats", "webhook_repeats_per_minute"
)
CALL_KINDS: Final = (READS, REFUSED_ORDERS, CHANGES, CANCELS, TRIGGER_CALLS, WEBHOOK_REPEATS)


@dataclass(frozen=True)
class Allowance:
    """The rest of a limit per `window_s` seconds, and the seconds until its reset; `exceeded` if this request goes
    beyond it. `what` names the limited calls in messages.
    """

    policy: str
    quota: int
    remaining: int
    resets_in_s: int
    exceeded: bool = False
    window_s: int = WINDOW_S
    what: str = "requests"

    def refusal(self) -> RateLimitedError:
        """The error for a request beyond the limit."""
        return RateLimitedError(self.what, self.quota, self.resets_in_s, "day" if self.window_s == DAY_S else "minute")


def submit_allowance(quota: int, used: int, now: datetime) -> Allowance:
    """The rest of a tenant's orders in this minute."""
    return Allowance("submit", quota, max(0, quota - used), left_of_minute_s(now), what="orders")


def call_allowance(kind: CallKind, quota: int, used: int, now: datetime) -> Allowance:
    """The rest of a tenant's calls of a kind in this minute; `used` includes this call."""
    left = max(0, quota - used)
    return Allowance(kind.policy, quota, left, left_of_minute_s(now), exceeded=used > quota, what=kind.what)


def reference_allowance(quota: int, used: int, now: datetime) -> Allowance:
    """The rest of a tenant's upload offers on this day in UTC; `used` includes this one."""
    left, resets_in_s = max(0, quota - used), left_of_day_s(now)
    return Allowance("reference", quota, left, resets_in_s, used > quota, DAY_S, "uploads")


def minute_of(moment: datetime) -> str:
    """The calendar minute of a UTC moment; minutes compare as text."""
    return f"{moment:%Y-%m-%dT%H:%M}"


def month_of(moment: datetime) -> str:
    """The calendar month of a UTC moment; months compare as text."""
    return f"{moment:%Y-%m}"


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
