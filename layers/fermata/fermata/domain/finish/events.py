"""Events of a job's end: ids and figures, never a prompt, lyrics or a link."""

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, JsonValue, NonNegativeInt, WithJsonSchema

from fermata.domain.catalogue.units import Kind
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import Charged, JobStatus
from fermata.domain.providers.failures import FailureClass
from fermata.domain.web.formats import JobId, Moment, rfc3339

_DETAIL_TYPES: Final = {
    JobStatus.SUCCEEDED: "Music Job Succeeded",
    JobStatus.FAILED: "Music Job Failed",
    JobStatus.CANCELED: "Music Job Canceled",
    JobStatus.EXPIRED: "Music Job Expired",
}
ENDS: Final = tuple(_DETAIL_TYPES)
"""The statuses that a job may end with."""


@dataclass(frozen=True)
class JobEvent:
    """One event for a bus; `detail["event_id"]` is the same in every repetition of the event."""

    detail_type: str
    detail: dict[str, JsonValue]


class EndOfJob(BaseModel):
    """How a job ended; read the job for everything else. Songs and speech end alike and differ in `kind`."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    event_id: str
    """The id of the event, the same whenever it is sent again."""
    job_id: JobId
    """The job's id."""
    status: Annotated[JobStatus, WithJsonSchema({"type": "string", "enum": [each.value for each in ENDS]})]
    """How the job ended."""
    kind: Kind
    """What the job makes."""
    model: str
    """The model that the job used last."""
    charged: Charged
    """Whether the job's credits were spent or returned."""
    price_credits: NonNegativeInt
    """The price of the whole order in credits."""
    spent_credits: NonNegativeInt
    """What the delivered songs cost, in credits; 0 unless the job succeeded."""
    error_class: FailureClass | None
    """What kind of failure ended the job; null without one."""
    finished_at: Moment
    """When the job ended, in UTC."""

    @classmethod
    def of(cls, job: Job) -> "EndOfJob":
        """How a finished job ended."""
        if job.finished_at is None:
            raise AssertionError(f"a {job.status} job has not ended and has no end to publish")
        return cls.model_construct(
            event_id=f"{job.id}.{job.status}",
            job_id=job.id,
            status=job.status,
            kind=job.candidate.kind,
            model=job.candidate.model,
            charged=job.charged,
            price_credits=job.price_credits,
            spent_credits=job.spent_credits,
            error_class=job.failure.for_tenant().failure_class if job.failure else None,
            finished_at=rfc3339(job.finished_at),
        )


def end_of(job: Job) -> JobEvent:
    """The event of a finished job's end, for subscribers to all tenants."""
    end = EndOfJob.of(job)
    # The ids come first, the tenant's among them.
    ids: dict[str, JsonValue] = {"event_id": end.event_id, "job_id": end.job_id, "tenant_id": job.tenant_id}
    return JobEvent(_DETAIL_TYPES[job.status], {**ids, **end.model_dump(mode="json")})
