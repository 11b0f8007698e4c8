"""A job as its tenant sees it, and pages of them."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field

from fermata.api.responses.body import Body, Credits, Seconds, Units, Url
from fermata.domain.audio.container import CONTAINERS
from fermata.domain.catalogue.models import Estimate
from fermata.domain.catalogue.units import Kind, Unit
from fermata.domain.jobs import songs
from fermata.domain.jobs.page import PageOfJobs
from fermata.domain.jobs.status import Charged, JobStatus
from fermata.domain.jobs.view import (
    JobView,
    Link,
    finished_tracks,
    half_are_ready_at,
    is_worth_another_order,
    missing_tracks,
    why_missing,
)
from fermata.domain.orders.order_request import SongRequest
from fermata.domain.orders.references import ProviderIds
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from fermata.domain.web.formats import JobId, Moment, rfc3339

LONGEST_PAGE_BYTES: Final = 5_000_000
"""The maximum of bytes of the jobs on a page. A Lambda response has at most 6 MB and contains the body as a JSON
string.
"""


class Expectation(Body):
    """How long songs take, in seconds: half of them at most `p50_s`, four of five at most `p80_s`. `ready_at` is when
    this job's song should be ready, as half of the songs are.
    """

    p50_s: Seconds
    p80_s: Seconds
    ready_at: Moment

    @classmethod
    def of(cls, estimate: Estimate, began_at: datetime) -> "Expectation":
        """The expectation of a song whose generation began at `began_at`."""
        ready_at = rfc3339(half_are_ready_at(estimate, began_at))
        return cls.model_construct(p50_s=estimate.p50_s, p80_s=estimate.p80_s, ready_at=ready_at)


class Track(Body):
    """A finished song or speech. Every read creates a new `url`, which works until `url_expires_at`; the file itself is
    kept until `expires_at`. `subtitles_url` works as long and leads to the subtitles of a speech, a JSON list with
    `text`, `time_begin` and `time_end` (ms); null without subtitles. All other fields are measured from the file.
    """

    number: Annotated[int, Field(ge=1)]
    url: Url
    url_expires_at: Moment
    expires_at: Moment
    content_type: Annotated[str, Field(json_schema_extra={"enum": [each.content_type for each in CONTAINERS]})]
    bytes: Annotated[int, Field(ge=1)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    duration_ms: Annotated[int, Field(ge=1)]
    sample_rate_hz: Annotated[int, Field(ge=1)]
    channels: Annotated[int, Field(ge=1)]
    bitrate_bps: Annotated[int, Field(ge=1)]
    subtitles_url: Url | None

    @classmethod
    def of(cls, track: songs.Track, link: Link) -> "Track":
        """A stored song and a fresh link to it."""
        return cls.model_construct(
            number=track.number,
            url=link.url,
            url_expires_at=rfc3339(link.expires_at),
            expires_at=rfc3339(track.expires_at),
            content_type=track.content_type,
            bytes=track.bytes,
            sha256=track.sha256,
            duration_ms=track.duration_ms,
            sample_rate_hz=track.sample_rate_hz,
            channels=track.channels,
            bitrate_bps=track.bitrate_bps,
            subtitles_url=link.subtitles_url,
        )


class MissingTrack(Body):
    """A song that a delivered job lacks, by its number, and the reason. It was not charged."""

    number: Annotated[int, Field(ge=1)]
    reason: str

    @classmethod
    def of(cls, track: songs.MissingTrack) -> "MissingTrack":
        """A missing song as shown to callers."""
        return cls.model_construct(number=track.number, reason=why_missing(track))


class JobError(Body):
    """Why a job failed. `code` is the provider's own; `retryable` says whether another order may help."""

    failure_class: FailureClass = Field(alias="class")
    code: str | None
    message: str
    retryable: bool
    provider_charged: ProviderCharged

    @classmethod
    def of(cls, failure: Failure) -> "JobError":
        """A failure as shown to callers."""
        shown = failure.for_tenant()
        return cls.model_construct(
            failure_class=shown.failure_class,
            code=shown.code,
            message=shown.message,
            retryable=is_worth_another_order(shown),
            provider_charged=shown.provider_charged,
        )


class JobUrls(Body):
    """The job's URLs. `cancel` is null once the job can no longer be canceled; `audio` redirects to a fresh link;
    `live` is the playlist of a song that is being made, null before its first piece and once the job has ended.
    """

    self_url: Url = Field(alias="self")
    cancel: Url | None
    audio: Url
    live: Url | None

    @classmethod
    def of(cls, view: JobView, api_url: str) -> "JobUrls":
        """The URLs of a job of the API at `api_url`, which has no trailing slash."""
        job = view.job
        address = f"{api_url}/v1/jobs/{job.id}"
        cancel = f"{address}/cancel" if job.may_cancel else None
        return cls.model_construct(self_url=address, cancel=cancel, audio=f"{address}/audio", live=view.live_url)


class MadeIds(Body):
    """The provider's ids of a recording that a job handed over, null for one that it did not give. Another order can
    name them as its `reference`.
    """

    voice_id: str | None
    instrumental_id: str | None

    @classmethod
    def of(cls, ids: ProviderIds) -> "MadeIds":
        """The ids that a provider gave."""
        return cls.model_construct(voice_id=ids.voice_id or None, instrumental_id=ids.instrumental_id or None)


class Job(Body):
    """One order and its progress. `price_credits` is its whole price, `spent_credits` the part that its delivered songs
    cost, 0 unless the job succeeded. `delivered_model` is the model that delivered, null before that. `units` are the
    ordered units, at most, and once the job succeeded the delivered ones; null if the job was deleted since.
    `reference` has the ids that the provider gave its recording, null without any. `api_key_id` is the key that ordered
    it, null for a job of an event, a file or a redelivery. `request` is there only where it was asked for: the accepted
    order, without the fields that have their default.
    """

    id: JobId
    object: Literal["job"]
    status: JobStatus
    kind: Kind
    model: str
    fallbacks: list[str]
    delivered_model: str | None
    title: str | None
    metadata: dict[str, str]
    created_at: Moment
    updated_at: Moment
    finished_at: Moment | None
    finish_by: Moment | None
    charged: Charged
    price_credits: Credits
    spent_credits: Credits
    units: Units | None
    unit: Unit
    estimate: Expectation | None
    recovered_from: JobId | None
    api_key_id: str | None
    attempt_count: Annotated[int, Field(ge=0)]
    tracks: list[Track]
    missing_tracks: list[MissingTrack]
    error: JobError | None
    reference: MadeIds | None
    urls: JobUrls
    request: SongRequest | None = None

    @classmethod
    def of(cls, view: JobView, api_url: str, *, with_request: bool = False) -> "Job":
        """The job as it is shown by the API at `api_url`, which has no trailing slash."""
        body = cls._of(view, api_url)
        return body.model_copy(update={"request": view.job.request.as_sent()}) if with_request else body

    @classmethod
    def _of(cls, view: JobView, api_url: str) -> "Job":
        job = view.job
        return cls.model_construct(
            id=job.id,
            object="job",
            status=job.status,
            kind=job.candidate.kind,
            model=job.ordered_model,
            fallbacks=[candidate.model for candidate in job.candidates[1:]],
            delivered_model=job.candidate.model if job.charged is Charged.YES else None,
            title=job.request.title,
            metadata=job.request.metadata,
            created_at=rfc3339(job.created_at),
            updated_at=rfc3339(job.updated_at),
            finished_at=rfc3339(job.finished_at),
            finish_by=rfc3339(job.request.finish_by),
            charged=job.charged,
            price_credits=job.price_credits,
            spent_credits=job.spent_credits,
            units=job.units,
            unit=job.candidate.unit,
            estimate=Expectation.of(view.expected, view.began_at) if view.expected else None,
            recovered_from=job.recovered_from,
            api_key_id=job.api_key_id,
            attempt_count=len(job.attempts),
            tracks=[Track.of(track, view.links[track.number]) for track in finished_tracks(job)],
            missing_tracks=[MissingTrack.of(track) for track in missing_tracks(job)],
            error=JobError.of(job.failure) if job.failure else None,
            reference=MadeIds.of(job.reference.ids[-1]) if job.reference and job.reference.ids else None,
            urls=JobUrls.of(view, api_url),
        )


class JobList(Body):
    """A page of jobs, newest first."""

    data: list[Job]
    next_cursor: str | None

    @classmethod
    def of(cls, page: PageOfJobs, api_url: str) -> "JobList":
        """As many of a page's jobs as an answer has room for, but at least one; the cursor points after them."""
        shown = _as_many_as_fit(Job.of(view, api_url) for view in page.jobs)
        return cls.model_construct(data=shown, next_cursor=page.cursor_after(len(shown)))


def _as_many_as_fit(bodies: Iterable[Job]) -> list[Job]:
    fitting: list[Job] = []
    left = LONGEST_PAGE_BYTES
    for body in bodies:
        left -= len(json.dumps(body.text()))
        if left < 0 and fitting:
            break
        fitting.append(body)
    return fitting
