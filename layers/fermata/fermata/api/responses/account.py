"""A tenant's account."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from fermata.api.responses.body import Body, Credits, Percent
from fermata.domain.money.wallet import Plan, Wallet
from fermata.domain.tenants.plan_limits import Payer, PlanLimits


class DiscountTier(Body):
    """The discount of orders once the month's spent credits have reached `from_credits`."""

    from_credits: Credits
    percent: Percent


class Limits(Body):
    """The plan's limits. Per calendar minute: orders, reads, and free calls (orders that create no job, changes such as
    deletions, events and files that create no job, repeats of webhooks). At once: open jobs and waiting requests. Per
    UTC day: lost songs (the provider was paid, the tenant did not pay), jobs that their caller ended unpaid, and
    uploads of references. Per job: posts of its webhook. Per calendar month in UTC: credits, spent and held together.
    `unknown_paid_by` pays for attempts of unknown outcome if another model delivers. With `foreign_reference_ids`,
    orders may name a provider's ids of recordings that no upload of the tenant made. `own_voices` are voices that only
    this and other tenants whom the operator allows it may order. Of `discount_percent` and the
    reached one of the `tiers`, the larger applies.
    """

    discount_percent: Percent
    tiers: list[DiscountTier]
    submits_per_minute: Annotated[int, Field(ge=1)]
    reads_per_minute: Annotated[int, Field(ge=1)]
    concurrent_jobs: Annotated[int, Field(ge=1)]
    unknown_paid_by: Payer
    foreign_reference_ids: bool
    own_voices: list[str]
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
    """A tenant's plan and credits. `available_credits` is what a new job may hold, `in_flight_jobs` the number of open
    jobs. `lost_songs_today` counts the songs of this day (UTC) for which a provider was or may have been paid and whose
    credits were returned. `unpaid_jobs_today` counts the jobs that their caller ended before a purchase: canceled, too
    late for `finish_by`, or with a reference that cannot be used.
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
        """The account of a wallet, for the current day and month."""
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
