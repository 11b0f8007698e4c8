"""How far a job is."""

from dataclasses import dataclass
from typing import Final, Self

from fermata_client.models.job import Job

_NEARLY: Final = 0.99
"""What is not there yet is never more than nearly there."""


@dataclass(frozen=True)
class Update:
    """A look at a job. `changed` is whether its state is another one than at the look before.

    `elapsed_s` counts from the order. `remaining_s` is until the moment at which half of such orders are ready, 0 once
    that is over, None where it is unknown. `progress` is 0 up to 1: an estimate, None where it is unknown, and 1 only
    for a job that succeeded. All by Fermata's clock.
    """

    job: Job
    status: str
    changed: bool
    elapsed_s: float
    remaining_s: float | None
    progress: float | None

    @classmethod
    def of(cls, job: Job, before: str | None, seen_at: float | None) -> Self:
        """The look at a job at Fermata's time `seen_at`, after one that found the state `before`."""
        began = job.created_at.timestamp()
        ended = job.finished_at.timestamp() if job.finished_at else None
        now = ended or seen_at or job.updated_at.timestamp()
        elapsed_s = max(0.0, now - began)
        ready = job.estimate.ready_at if job.estimate else None
        remaining_s, progress = None, None
        if ready is not None:
            remaining_s = max(0.0, ready.timestamp() - now)
            progress = min(_NEARLY, elapsed_s / max(elapsed_s + remaining_s, 0.001))
        if job.status == "succeeded":
            remaining_s, progress = 0.0, 1.0
        return cls(job, job.status, job.status != before, elapsed_s, remaining_s, progress)
