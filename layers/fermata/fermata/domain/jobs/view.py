"""The public view of a job: its record, its estimated latency, and fresh download links."""

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
    """A signed download link of a track and its expiry, and the links of its subtitles as JSON and as WebVTT, if it has
    any.
    """

    url: str
    expires_at: datetime
    subtitles_url: str | None = None
    webvtt_url: str | None = None


@dataclass(frozen=True)
class WantedAudio:
    """The track that a tenant wants, None for the first one; `as_sent` for the file that its provider sent."""

    tenant_id: str
    number: int | None = None
    as_sent: bool = False


@dataclass(frozen=True)
class JobView:
    """A job, the estimated latency of its current model (None without an expectation), and links by the numbers of
    finished tracks; the links work for `link_ttl_s` seconds. `live_url` is where the song can be heard while it is
    made, or None.
    """

    job: Job
    estimate: Estimate | None = None
    links: Mapping[int, Link] = field(default_factory=dict)
    link_ttl_s: int = 0
    live_url: str | None = None

    @property
    def expected(self) -> Estimate | None:
        """The expected latency while the job is open, otherwise None."""
        return None if self.job.status.is_terminal else self.estimate

    @property
    def began_at(self) -> datetime:
        """When the song was last ordered; before the first order, when the job last changed."""
        last = self.job.last_attempt
        return last.started_at if last else self.job.updated_at


def finished_tracks(job: Job) -> tuple[Track, ...]:
    """The files that a caller may download: those of a delivered job."""
    return job.tracks if job.status is JobStatus.SUCCEEDED else ()


def missing_tracks(job: Job) -> tuple[MissingTrack, ...]:
    """The songs that a delivered job lacks; empty for any other job."""
    return job.missing if job.status is JobStatus.SUCCEEDED else ()


def why_missing(track: MissingTrack) -> str:
    """Why a song is missing, as text for its tenant."""
    reason = track.reason.of_an_accepted_order()
    if reason.for_tenant() != reason:
        # The tenant's text for a failed job speaks of the whole order and all its credits, which is wrong here.
        return "the provider was not available while the audio was to be fetched"
    return reason.message


def half_are_ready_at(estimate: Estimate, began_at: datetime) -> datetime:
    """When half of the songs ordered at `began_at` are ready."""
    return began_at + timedelta(seconds=estimate.p50_s)


def is_worth_another_order(failure: Failure) -> bool:
    """Whether another order of the same song may succeed."""
    return failure.failure_class in _WORTH_ANOTHER_ORDER
