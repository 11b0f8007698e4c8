"""Statuses of a job and of its credits."""

from enum import StrEnum
from typing import Final


class JobStatus(StrEnum):
    """The status of a job. Terminal statuses never change."""

    QUEUED = "queued"
    SUBMITTING = "submitting"
    GENERATING = "generating"
    STORING = "storing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"

    @property
    def is_terminal(self) -> bool:
        """Whether no status may follow."""
        return not TRANSITIONS[self]


class Charged(StrEnum):
    """The state of the customer's credits: an open job holds them, a delivered job spent its songs' share of the price,
    and any other end returned them all.
    """

    HELD = "held"
    YES = "yes"
    REFUNDED = "refunded"


TRANSITIONS: Final[dict[JobStatus, frozenset[JobStatus]]] = {
    JobStatus.QUEUED: frozenset({JobStatus.SUBMITTING, JobStatus.FAILED, JobStatus.CANCELED, JobStatus.EXPIRED}),
    JobStatus.SUBMITTING: frozenset(
        {JobStatus.QUEUED, JobStatus.GENERATING, JobStatus.STORING, JobStatus.FAILED, JobStatus.EXPIRED}
    ),
    # A job with one stored song has succeeded even if its other song got no new link.
    JobStatus.GENERATING: frozenset(
        {JobStatus.QUEUED, JobStatus.STORING, JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.EXPIRED}
    ),
    JobStatus.STORING: frozenset({JobStatus.GENERATING, JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.EXPIRED}),
    JobStatus.SUCCEEDED: frozenset(),
    JobStatus.FAILED: frozenset(),
    JobStatus.CANCELED: frozenset(),
    JobStatus.EXPIRED: frozenset(),
}
