"""A tenant's usage, by model and by the UTC day on which jobs ended; the basis of a bill."""

from datetime import date
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from fermata.domain.jobs.events import JobEvent
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import Charged
from fermata.domain.money.units import SONG, as_number, units_of
from fermata.domain.web.formats import rfc3339


class Usage(BaseModel):
    """Jobs of one tenant that ended on a day with one (last) model: their number, how many succeeded, the spent
    credits, the length of the songs in ms, and the delivered units.
    """

    model_config = ConfigDict(frozen=True)

    tenant_id: str
    day: date
    model: str
    jobs: PositiveInt
    succeeded: NonNegativeInt
    credits: NonNegativeInt
    audio_ms: NonNegativeInt
    units: Decimal = Decimal(0)
    unit: str = SONG

    @property
    def place(self) -> str:
        """Its sort position among the tenant's usage."""
        return f"{self.day}#{self.model}"

    def plus(self, more: "Usage") -> "Usage":
        """The sum of two usages of the same day and model."""
        fields = ("jobs", "succeeded", "credits", "audio_ms", "units")
        return self.model_copy(update={name: getattr(self, name) + getattr(more, name) for name in fields})


def usage_of(job: Job) -> Usage:
    """The usage that a job's end adds."""
    if job.finished_at is None:
        raise AssertionError(f"a {job.status} job has not ended and counts nothing")
    delivered = job.charged is Charged.YES
    units, unit = units_of(job)
    return Usage(
        tenant_id=job.tenant_id,
        day=job.finished_at.date(),
        model=job.candidate.model,
        jobs=1,
        succeeded=int(delivered),
        credits=job.spent_credits,
        audio_ms=sum(track.duration_ms for track in job.tracks) if delivered else 0,
        units=units,
        unit=unit,
    )


def usage_event(job: Job) -> JobEvent:
    """The usage event of a job's end for billing systems, with the same id in every repetition. It omits the
    length of the songs and the units if the job is deleted.
    """
    usage = usage_of(job)
    return JobEvent(
        "Usage Recorded",
        {
            "event_id": f"{job.id}.usage",
            "job_id": job.id,
            "tenant_id": job.tenant_id,
            "day": str(usage.day),
            "model": usage.model,
            "status": job.status.value,
            "charged": job.charged.value,
            "credits": usage.credits,
            "audio_ms": usage.audio_ms if job.deleted_at is None else None,
            "units": as_number(usage.units) if job.deleted_at is None else None,
            "unit": usage.unit,
            "key_id": job.api_key_id,
            "finished_at": rfc3339(job.finished_at),
        },
    )
