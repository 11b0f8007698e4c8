"""A tenant's usage, by model and by the UTC day on which jobs ended; the basis of a bill."""

from datetime import date
from typing import Final

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from fermata.domain.catalogue.units import Unit, in_units
from fermata.domain.finish.events import JobEvent
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import Charged
from fermata.domain.web.formats import rfc3339

COUNTERS: Final = ("jobs", "succeeded", "credits", "unit_thousandths", "audio_ms")
"""The fields of usage that add up."""


class Usage(BaseModel):
    """Jobs of one tenant that ended on a day with one (last) model: their number, how many succeeded, the spent
    credits, the delivered units in thousandths of the model's unit, and the length of the audio in ms.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    tenant_id: str
    day: date
    model: str
    jobs: PositiveInt
    succeeded: NonNegativeInt
    credits: NonNegativeInt
    unit: Unit = "song"
    unit_thousandths: NonNegativeInt = 0
    audio_ms: NonNegativeInt

    @property
    def units(self) -> float:
        """The delivered units."""
        return in_units(self.unit_thousandths, 1000)

    @property
    def place(self) -> str:
        """Its sort position among the tenant's usage."""
        return f"{self.day}#{self.model}"

    def plus(self, more: "Usage") -> "Usage":
        """The sum of two usages of the same day and model."""
        return self.model_copy(update={name: getattr(self, name) + getattr(more, name) for name in COUNTERS})


def usage_of(job: Job) -> Usage:
    """The usage that a job's end adds."""
    if job.finished_at is None:
        raise AssertionError(f"a {job.status} job has not ended and counts nothing")
    delivered = job.charged is Charged.YES
    return Usage(
        tenant_id=job.tenant_id,
        day=job.finished_at.date(),
        model=job.candidate.model,
        jobs=1,
        succeeded=int(delivered),
        credits=job.spent_credits,
        unit=job.candidate.unit,
        unit_thousandths=round((job.units or 0) * 1000) if delivered else 0,
        audio_ms=sum(track.duration_ms for track in job.tracks) if delivered else 0,
    )


def usage_event(job: Job) -> JobEvent:
    """The usage event of a job's end for billing systems, with the same id in every repetition. It omits the units
    and the length of the audio if the job is deleted.
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
            "unit": usage.unit,
            "units": usage.units if job.deleted_at is None else None,
            "audio_ms": usage.audio_ms if job.deleted_at is None else None,
            "key_id": job.api_key_id,
            "finished_at": rfc3339(job.finished_at),
        },
    )
