"""A tenant's credits, and what it used."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from fermata.api.responses.body import Body, Credits
from fermata.domain.money.usage import Usage
from fermata.domain.money.wallet import Plan, Wallet
from fermata.domain.tenants.plan_limits import Payer, PlanLimits


class Limits(Body):
    """What the plan allows: orders and reads a calendar minute, jobs open at once, calls a calendar minute that nobody
    pays for (orders that make no job, deletions and the like, events and files that make none), songs a UTC day that
    a provider was paid for and the tenant was not, jobs a UTC day that their caller ended unpaid, who pays for
    attempts of unknown outcome where another model delivers, requests that wait at once, uploads a UTC day, posts of
    webhooks a job, and credits a calendar month in UTC, spent and held together.
    """

    submits_per_minute: Annotated[int, Field(ge=1)]
    reads_per_minute: Annotated[int, Field(ge=1)]
    concurrent_jobs: Annotated[int, Field(ge=1)]
    unknown_paid_by: Payer
    refused_orders_per_minute: Annotated[int, Field(ge=1)]
    changes_per_minute: Annotated[int, Field(ge=1)]
    trigger_calls_per_minute: Annotated[int, Field(ge=1)]
    lost_songs_per_day: Annotated[int, Field(ge=1)]
    unpaid_jobs_per_day: Annotated[int, Field(ge=1)]
    waiting_requests: Annotated[int, Field(ge=1)]
    references_per_day: Annotated[int, Field(ge=1)]
    webhook_posts_per_job: Annotated[int, Field(ge=1)]
    webhook_repeats_per_minute: Annotated[int, Field(ge=1)]
    monthly_credits: Credits | None

    @classmethod
    def of(cls, limits: PlanLimits) -> "Limits":
        """The limits of a plan."""
        return cls.model_construct(**limits.limits.model_dump())


class Account(Body):
    """A tenant's plan and credits. `available_credits` is what a new job may hold, `in_flight_jobs` how many jobs are
    open. `lost_songs_today` counts the songs of this day (UTC) that a provider was or may have been paid for and
    whose credits were returned, `unpaid_jobs_today` the jobs that their caller ended before anything was bought:
    canceled, too late for `finish_by`, or with a reference that cannot be used.
    """

    object: Literal["account"]
    tenant_id: str
    plan: Plan
    cap_credits: Credits | None
    balance_credits: int
    held_credits: Credits
    spent_credits: Credits
    granted_credits: Credits
    month: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
    spent_this_month_credits: Credits
    available_credits: int
    in_flight_jobs: Annotated[int, Field(ge=0)]
    lost_songs_today: Annotated[int, Field(ge=0)]
    unpaid_jobs_today: Annotated[int, Field(ge=0)]
    limits: Limits

    @classmethod
    def of(cls, wallet: Wallet, now: datetime) -> "Account":
        """A tenant's wallet as it counts now."""
        current = wallet.in_month_of(now)
        return cls.model_construct(
            object="account",
            tenant_id=current.tenant_id,
            plan=current.plan,
            cap_credits=current.cap_credits,
            balance_credits=current.balance,
            held_credits=current.held,
            spent_credits=current.spent,
            granted_credits=current.granted,
            month=current.month,
            spent_this_month_credits=current.spent_in_month,
            available_credits=current.available,
            in_flight_jobs=current.open_jobs,
            lost_songs_today=current.in_day_of(now).lost_in_day,
            unpaid_jobs_today=current.in_day_of(now).unpaid_in_day,
            limits=Limits.of(current),
        )


class UsageEntry(Body):
    """Jobs that ended on one day, by the model that sang or was to sing last; `audio_ms` is the length of the songs."""

    day: date
    model: str
    jobs: Annotated[int, Field(ge=1)]
    succeeded: Annotated[int, Field(ge=0)]
    credits: Credits
    audio_ms: Annotated[int, Field(ge=0)]

    @classmethod
    def of(cls, usage: Usage) -> "UsageEntry":
        """A tenant's own usage, which need not name the tenant."""
        return cls.model_construct(
            day=usage.day,
            model=usage.model,
            jobs=usage.jobs,
            succeeded=usage.succeeded,
            credits=usage.credits,
            audio_ms=usage.audio_ms,
        )


class UsageList(Body):
    """A page of usage."""

    data: list[UsageEntry]
    next_cursor: str | None

    @classmethod
    def of(cls, found: Iterable[Usage], next_cursor: str | None) -> "UsageList":
        """One page, and what leads to the next."""
        return cls.model_construct(data=[UsageEntry.of(usage) for usage in found], next_cursor=next_cursor)
