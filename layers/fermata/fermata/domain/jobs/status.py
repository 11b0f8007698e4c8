"""Where a job stands, and what its credits do."""

from enum import StrEnum
from typing import Final


class JobStatus(StrEnum):
    """Where a job stands. Terminal states never change."""

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
        """Whether nothing may follow."""
        return not TRANSITIONS[self]


class Charged(StrEnum):
    """What the customer's credits did: an open job holds them, a delivered one spent the share of its price that its
    songs come to, any other end returned them all.
    """

    HELD = "held"
    YES = "yes"
    REFUNDED = "refunded"


TRANSITIONS: Final[dict[JobStatus, frozenset[JobStatus]]] = {
    JobStatus.QUEUED: frozenset({JobStatus.SUBMITTING, JobStatus.FAILED, JobStatus.CANCELED, JobStatus.EXPIRED}),
    JobStatus.SUBMITTING: frozenset(
        {JobStatus.QUEUED, JobStatus.GENERATING, JobStatus.STORING, JobStatus.FAILED, JobStatus.EXPIRED}
    ),
    # With one song stored, a job whose other song got no new link has succeeded.
    JobStatus.GENERATING: frozenset(
        {JobStatus.QUEUED, JobStatus.STORING, JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.EXPIRED}
    ),
    JobStatus.STORING: frozenset({JobStatus.GENERATING, JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.EXPIRED}),
    JobStatus.SUCCEEDED: frozenset(),
    JobStatus.FAILED: frozenset(),
    JobStatus.CANCELED: frozenset(),
    JobStatus.EXPIRED: frozenset(),
}
