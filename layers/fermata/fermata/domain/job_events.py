"""What the rest of the world is told of a job's end: ids and figures, never a prompt, lyrics or a link."""

from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from fermata.domain.job_view import rfc3339
from fermata.domain.jobs import Job, JobStatus

_DETAIL_TYPES: Final = {
    JobStatus.SUCCEEDED: "Music Job Succeeded",
    JobStatus.FAILED: "Music Job Failed",
    JobStatus.CANCELED: "Music Job Canceled",
    JobStatus.EXPIRED: "Music Job Expired",
}


@dataclass(frozen=True)
class JobEvent:
    """One event for a bus; `detail["event_id"]` is the same however often the event is sent."""

    detail_type: str
    detail: dict[str, JsonValue]


def end_of(job: Job) -> JobEvent:
    """The event of a finished job's end."""
    return JobEvent(
        _DETAIL_TYPES[job.status],
        {
            "event_id": f"{job.id}.{job.status}",
            "job_id": job.id,
            "tenant_id": job.tenant_id,
            "status": job.status.value,
            "model": job.candidate.model,
            "charged": job.charged.value,
            "price_credits": job.price_credits,
            "error_class": job.failure.failure_class.value if job.failure else None,
            "finished_at": rfc3339(job.finished_at),
        },
    )
