"""A tenant's account."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from fermata.api.responses.body import Body, Credits, Percent
from fermata.domain.money.wallet import Plan, Wallet
from fermata.domain.tenants.plan_limits import Payer, PlanLimits


class DiscountTier(Body):
    """A discount by volume."""

    from_credits: Credits
    """From how many credits, spent in this month (UTC), the tier holds."""
    percent: Percent
    """The discount in percent."""


class Limits(Body):
    """The plan's limits, and its discounts."""

    discount_percent: Percent
    """The discount of every order in percent; the reached tier applies if it is larger."""
    tiers: list[DiscountTier]
    """The discounts by volume."""
    submits_per_minute: Annotated[int, Field(ge=1)]
    """Most orders per calendar minute."""
    reads_per_minute: Annotated[int, Field(ge=1)]
    """Most reads per calendar minute."""
    concurrent_jobs: Annotated[int, Field(ge=1)]
    """Most open jobs at once."""
    unknown_paid_by: Payer
    """Who pays for an attempt of unknown outcome if another model delivers."""
    foreign_reference_ids: bool
    """Whether orders may name a provider's ids of recordings that no upload of yours made."""
    own_voices: list[str]
    """Voices that only you and others whom the operator allows them may order, by their ids."""
    refused_orders_per_minute: Annotated[int, Field(ge=1)]
    """Most orders per calendar minute that create no job: refused or repeated ones."""
    changes_per_minute: Annotated[int, Field(ge=1)]
    """Most deletions, webhook replays, upload offers and changes of the account per calendar minute."""
    trigger_calls_per_minute: Annotated[int, Field(ge=1)]
    """Most events, files and lines of files per calendar minute that create no job."""
    lost_songs_per_day: Annotated[int, Field(ge=1)]
    """Most songs per day (UTC) for which the provider was or may have been paid and you were not charged."""
    unpaid_jobs_per_day: Annotated[int, Field(ge=1)]
    """Most jobs per day (UTC) that you ended before a purchase."""
    waiting_requests: Annotated[int, Field(ge=1)]
    """Most requests at once that wait for a job's end (`Prefer: wait=n`)."""
    references_per_day: Annotated[int, Field(ge=1)]
    """Most upload offers per day (UTC)."""
    webhook_posts_per_job: Annotated[int, Field(ge=1)]
    """Most posts about one job's end."""
    webhook_repeats_per_minute: Annotated[int, Field(ge=1)]
    """Most posts per calendar minute that repeat or test a webhook."""
    monthly_credits: Credits | None
    """Most credits per calendar month (UTC), spent and held together; null without such a limit."""

    @classmethod
    def of(cls, limits: PlanLimits) -> "Limits":
        """The limits of a plan."""
        return cls.model_construct(**limits.limits.model_dump())


class Account(Body):
    """A tenant's plan and credits."""

    object: Literal["account"]
    """What this is."""
    tenant_id: str
    """The tenant's id."""
    plan: Plan
    """Whether orders are bounded by the balance (`prepaid`) or by a cap per calendar month (`postpaid`)."""
    cap_credits: Credits | None
    """Most credits per calendar month (UTC) of a postpaid plan; null without a cap."""
    balance_credits: int
    """The balance in credits, after what open jobs hold."""
    held_credits: Credits
    """The credits that open jobs hold."""
    spent_credits: Credits
    """All credits that were ever spent."""
    granted_credits: Credits
    """All credits that were ever granted."""
    month: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
    """The calendar month in UTC that `spent_this_month_credits` counts."""
    spent_this_month_credits: Credits
    """The credits that were spent in this month."""
    available_credits: int
    """The credits that a new job may hold."""
    in_flight_jobs: Annotated[int, Field(ge=0)]
    """The number of open jobs."""
    lost_songs_today: Annotated[int, Field(ge=0)]
    """The songs of this day (UTC) for which a provider was or may have been paid and whose credits were returned."""
    unpaid_jobs_today: Annotated[int, Field(ge=0)]
    """The jobs of this day (UTC) that you ended before a purchase: canceled, too late for `finish_by`, or with a
    reference that cannot be used.
    """
    limits: Limits
    """The limits and discounts of the plan."""

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
