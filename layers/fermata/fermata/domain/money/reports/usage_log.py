"""The log of a tenant's usage: one line for each job that ended, written with its settlement and kept."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, NonNegativeInt

from fermata.domain.catalogue.units import Unit, in_units
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.shares import booked_at_claim
from fermata.domain.jobs.status import JobStatus
from fermata.domain.money.usage import Usage, usage_of
from fermata.domain.providers.failures import ProviderCharged
from fermata.domain.web.formats import rfc3339

LIST_NAME: Final = "usage log"
"""Name of the list, for cursors."""


class UsageLine(BaseModel):
    """One ended job. `key_id` is the API key that ordered it. `metadata` is None once the job was deleted.

    Only the operator sees the costs, in millionths of a USD: `cost_micro_usd` is what providers charged, after refunds;
    `unknown_micro_usd` is what they may have charged. `booked_micro_usd` is what their budgets booked at the claims of
    the same attempts, None for lines from before it was kept.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    tenant_id: str
    job_id: str
    key_id: str | None
    model: str
    status: JobStatus
    credits: NonNegativeInt
    unit: Unit
    unit_thousandths: NonNegativeInt
    audio_ms: NonNegativeInt
    created_at: datetime
    finished_at: datetime
    metadata: Mapping[str, str] | None
    cost_micro_usd: NonNegativeInt = 0
    unknown_micro_usd: NonNegativeInt = 0
    booked_micro_usd: NonNegativeInt | None = None

    @property
    def place(self) -> str:
        """Its position in the log: lines sort by the end of their jobs."""
        return f"{rfc3339(self.finished_at)}#{self.job_id}"

    @property
    def succeeded(self) -> int:
        """1 for a delivered job, otherwise 0."""
        return int(self.status is JobStatus.SUCCEEDED)

    @property
    def units(self) -> float:
        """The delivered units."""
        return in_units(self.unit_thousandths, 1000)

    @property
    def usage(self) -> Usage:
        """What the line adds to the usage of its day and model."""
        return Usage(
            tenant_id=self.tenant_id,
            day=self.finished_at.date(),
            model=self.model,
            jobs=1,
            succeeded=self.succeeded,
            credits=self.credits,
            audio_ms=self.audio_ms,
            unit=self.unit,
            unit_thousandths=self.unit_thousandths,
        )


def line_of(job: Job) -> UsageLine:
    """The line of a job's end."""
    usage = usage_of(job)
    cost, unknown = costs_of(job)
    return UsageLine(
        tenant_id=job.tenant_id,
        job_id=job.id,
        key_id=job.api_key_id,
        model=usage.model,
        status=job.status,
        credits=usage.credits,
        unit=usage.unit,
        unit_thousandths=usage.unit_thousandths,
        audio_ms=usage.audio_ms,
        created_at=job.created_at,
        finished_at=job.finished_at or job.updated_at,
        metadata=job.request.metadata,
        cost_micro_usd=cost,
        unknown_micro_usd=unknown,
        booked_micro_usd=booked_for(job),
    )


def costs_of(job: Job) -> tuple[int, int]:
    """What the attempts of a job cost in millionths of a USD by the catalogue, after refunds: what was charged, and
    what may have been.
    """
    costs = {ProviderCharged.YES: 0, ProviderCharged.UNKNOWN: 0, ProviderCharged.NO: 0}
    for each in job.attempts:
        costs[each.provider_charged] += max(0, each.cost_micro_usd - each.refunded_micro_usd)
    return costs[ProviderCharged.YES], costs[ProviderCharged.UNKNOWN]


def booked_for(job: Job) -> int:
    """What the budgets booked at the claims of the attempts that were or may have been charged, in millionths of a USD:
    an upper bound of `costs_of`, unless a provider counts or states more.
    """
    paid = (each for each in job.attempts if each.provider_charged is not ProviderCharged.NO)
    return sum(booked_at_claim(each, job.candidates) for each in paid)
