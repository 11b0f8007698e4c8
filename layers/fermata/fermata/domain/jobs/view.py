"""What is shown of a job: its record, how long its songs take, and freshly minted links."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from fermata.domain.catalogue.models import Estimate
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.songs import MissingTrack, Track
from fermata.domain.jobs.status import JobStatus
from fermata.domain.providers.failures import Failure, FailureClass

_WORTH_ANOTHER_ORDER: Final = frozenset(
    {
        FailureClass.TRANSIENT,
        FailureClass.RATE_LIMITED,
        FailureClass.INCOMPLETE,
        FailureClass.BAD_AUDIO,
        FailureClass.RESULT_EXPIRED,
        FailureClass.UNKNOWN_OUTCOME,
    }
)


@dataclass(frozen=True)
class Link:
    """A signed download link and when it stops working."""

    url: str
    expires_at: datetime


@dataclass(frozen=True)
class JobView:
    """A job, how long songs of the model that is being asked take (None where nothing is expected), and a link for
    every finished track's number; the links work for `link_ttl_s` seconds.
    """

    job: Job
    estimate: Estimate | None = None
    links: Mapping[int, Link] = field(default_factory=dict)
    link_ttl_s: int = 0

    @property
    def expected(self) -> Estimate | None:
        """How long the song takes, as long as the job is open."""
        return None if self.job.status.is_terminal else self.estimate

    @property
    def began_at(self) -> datetime:
        """When the song was ordered last; before that, when the job last moved."""
        last = self.job.last_attempt
        return last.started_at if last else self.job.updated_at


def finished_tracks(job: Job) -> tuple[Track, ...]:
    """The files a caller may have: those of a delivered job."""
    return job.tracks if job.status is JobStatus.SUCCEEDED else ()


def missing_tracks(job: Job) -> tuple[MissingTrack, ...]:
    """The songs that a delivered job lacks; a job that is open or failed has none to lack."""
    return job.missing if job.status is JobStatus.SUCCEEDED else ()


def why_missing(track: MissingTrack) -> str:
    """Why a song is missing, in words for its tenant."""
    reason = track.reason.of_an_accepted_order()
    if reason.for_tenant() != reason:
        # What tenants read of a failed job speaks of its order, and of all its credits.
        return "the provider was not available while the song was to be fetched"
    return reason.message


def half_are_ready_at(estimate: Estimate, began_at: datetime) -> datetime:
    """When half of the songs are ready that began then."""
    return began_at + timedelta(seconds=estimate.p50_s)


def is_worth_another_order(failure: Failure) -> bool:
    """Whether the same song, ordered again, may succeed."""
    return failure.failure_class in _WORTH_ANOTHER_ORDER
