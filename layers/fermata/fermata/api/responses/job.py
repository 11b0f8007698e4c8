"""A job as its tenant sees it, and pages of them."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from fermata.api.responses.body import Body, Credits, Seconds, Units, Url
from fermata.domain.audio.container import CONTAINERS
from fermata.domain.audio.marks import Mark
from fermata.domain.audio.sound import TrackSound
from fermata.domain.catalogue.models import Estimate
from fermata.domain.catalogue.units import Kind, Unit
from fermata.domain.jobs import songs
from fermata.domain.jobs.status import Charged, JobStatus
from fermata.domain.jobs.view import (
    JobView,
    Link,
    finished_tracks,
    half_are_ready_at,
    is_worth_another_order,
    missing_tracks,
    sound_of,
    why_missing,
)
from fermata.domain.lists.page import PageOfJobs
from fermata.domain.orders.order_request import SongRequest
from fermata.domain.orders.references import ProviderIds
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from fermata.domain.web.formats import JobId, Moment, rfc3339

LONGEST_PAGE_BYTES: Final = 5_000_000
"""The maximum of bytes of the jobs on a page. A Lambda response has at most 6 MB and contains the body as a JSON
string.
"""


class Expectation(Body):
    """How long songs take, and when this job's should be ready."""

    p50_s: Seconds
    """Half of the latest songs took at most so many seconds."""
    p80_s: Seconds
    """Four of five of the latest songs took at most so many seconds."""
    ready_at: Moment
    """When this job's song should be ready, as half of the songs are; UTC."""

    @classmethod
    def of(cls, estimate: Estimate, began_at: datetime) -> "Expectation":
        """The expectation of a song whose generation began at `began_at`."""
        ready_at = rfc3339(half_are_ready_at(estimate, began_at))
        return cls.model_construct(p50_s=estimate.p50_s, p80_s=estimate.p80_s, ready_at=ready_at)


class Track(Body):
    """A finished song or speech. Every read creates a new `url`."""

    number: Annotated[int, Field(ge=1)]
    """Its place among the songs that the provider made, from 1; a job may have track 2 only."""
    url: Url
    """A link to the file, made for this answer. It is a secret, and needs no key."""
    url_expires_at: Moment
    """When `url` stops working, in UTC; read the job again for a fresh one."""
    expires_at: Moment
    """When the file itself is removed, in UTC."""
    content_type: Annotated[str, Field(json_schema_extra={"enum": [each.content_type for each in CONTAINERS]})]
    """The media type of the file."""
    bytes: Annotated[int, Field(ge=1)]
    """The size of the file in bytes."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """The SHA-256 of the file, in lower-case hexadecimal digits."""
    source_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """The SHA-256 of the file as the provider sent it. It equals `sha256` unless Fermata marked the file."""
    marks: list[Mark]
    """What in the file says that a model made it: `tags` written by Fermata, and a signed `c2pa` manifest, the
    operator's beside tags or the provider's; empty for a file that says nothing.
    """
    duration_ms: Annotated[int, Field(ge=1)]
    """The length in milliseconds, measured from the file."""
    sample_rate_hz: Annotated[int, Field(ge=1)]
    """The sample rate in Hz, measured from the file."""
    channels: Annotated[int, Field(ge=1)]
    """The number of channels, measured from the file; 2 is stereo."""
    bitrate_bps: Annotated[int, Field(ge=1)]
    """The average bitrate in bits per second, measured from the file."""
    subtitles_url: Url | None
    """A link to the subtitles of a speech, a JSON list with `text`, `time_begin` and `time_end` in milliseconds; it
    works as long as `url`. Null without subtitles.
    """
    subtitles_vtt_url: Url | None
    """A link to the same subtitles as WebVTT, which browsers show beside the audio; null without subtitles, or where
    their entries have no times.
    """
    peaks_url: Url | None
    """A link to the waveform in audiowaveform's JSON, version 2: 8 bits a value, one channel, at most 16,384 pixels; it
    works as long as `url`. Null until the track was measured, and where it cannot be.
    """
    loudness_lufs: float | None
    """The integrated loudness in LUFS (EBU R 128). Null as `peaks_url` is, and for silence and less than 400 ms."""
    true_peak_dbtp: float | None
    """The true peak in dB relative to full scale, four times oversampled. Null as `peaks_url` is, and for digital
    silence.
    """

    @classmethod
    def of(cls, track: songs.Track, link: Link, sound: TrackSound) -> "Track":
        """A stored song, a fresh link to it and how loud it is."""
        return cls.model_construct(
            number=track.number,
            url=link.url,
            url_expires_at=rfc3339(link.expires_at),
            expires_at=rfc3339(track.expires_at),
            content_type=track.content_type,
            bytes=track.bytes,
            sha256=track.sha256,
            source_sha256=track.provider_sha256,
            marks=list(track.marks),
            duration_ms=track.duration_ms,
            sample_rate_hz=track.sample_rate_hz,
            channels=track.channels,
            bitrate_bps=track.bitrate_bps,
            subtitles_url=link.subtitles_url,
            subtitles_vtt_url=link.webvtt_url,
            peaks_url=link.peaks_url,
            loudness_lufs=sound.loudness_lufs,
            true_peak_dbtp=sound.true_peak_dbtp,
        )


class MissingTrack(Body):
    """A song that a delivered job lacks. It was not charged."""

    number: Annotated[int, Field(ge=1)]
    """Its place among the songs that the provider made, from 1."""
    reason: str
    """Why it is missing, in a sentence."""

    @classmethod
    def of(cls, track: songs.MissingTrack) -> "MissingTrack":
        """A missing song as shown to callers."""
        return cls.model_construct(number=track.number, reason=why_missing(track))


class JobError(Body):
    """Why a job failed."""

    failure_class: FailureClass = Field(alias="class")
    """What kind of failure it was."""
    code: str | None
    """The provider's own code, or Fermata's; null without any."""
    message: str
    """What happened, in a sentence."""
    retryable: bool
    """Whether another order of the same may succeed."""
    provider_charged: ProviderCharged
    """Whether the provider billed the operator for it. Your own credits are in `charged` of the job."""

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
    """The job's URLs."""

    self_url: Url = Field(alias="self")
    """Where to read this job."""
    cancel: Url | None
    """Where to POST to take the job back; null once it can no longer be canceled."""
    audio: Url
    """Redirects to a fresh link to the first track that is there."""
    live: Url | None
    """The HLS playlist of a `live` order, which needs no key; null before its first piece and once the job has ended.
    """

    @classmethod
    def of(cls, view: JobView, api_url: str) -> "JobUrls":
        """The URLs of a job of the API at `api_url`, which has no trailing slash."""
        job = view.job
        address = f"{api_url}/v1/jobs/{job.id}"
        cancel = f"{address}/cancel" if job.may_cancel else None
        return cls.model_construct(self_url=address, cancel=cancel, audio=f"{address}/audio", live=view.live_url)


class MadeIds(Body):
    """The provider's ids of a recording that a job handed over. Another order can name them as its `reference`."""

    voice_id: str | None
    """The provider's id of the voice; null if it gave none."""
    instrumental_id: str | None
    """The provider's id of the instrumental; null if it gave none."""

    @classmethod
    def of(cls, ids: ProviderIds) -> "MadeIds":
        """The ids that a provider gave."""
        return cls.model_construct(voice_id=ids.voice_id or None, instrumental_id=ids.instrumental_id or None)


class Job(Body):
    """One order and its progress."""

    id: JobId
    """The job's id; ids sort by the time of the order."""
    object: Literal["job"]
    """What this is."""
    status: JobStatus
    """Where the job stands; `succeeded`, `failed`, `canceled` and `expired` are final."""
    kind: Kind
    """What the job makes."""
    model: str
    """The model that was ordered; for `auto` the one that Fermata chose."""
    fallbacks: list[str]
    """The models that are asked next, in this order, if the previous one certainly did not charge."""
    delivered_model: str | None
    """The model that delivered; null before that."""
    title: str | None
    """The title of the order; null without one."""
    metadata: dict[str, str]
    """The order's own names and values."""
    created_at: Moment
    """When the order was accepted, in UTC."""
    updated_at: Moment
    """When the job last changed, in UTC."""
    finished_at: Moment | None
    """When the job ended, in UTC; null while it is open."""
    finish_by: Moment | None
    """The instant in UTC after which the song is not wanted; null without one."""
    charged: Charged
    """What became of your credits: `held` while the job is open, `yes` once it succeeded, else `refunded`."""
    price_credits: Credits
    """The price of the whole order in credits."""
    spent_credits: Credits
    """What the delivered songs cost, in credits; 0 unless the job succeeded."""
    units: Units | None
    """How many units are ordered at most, and once the job succeeded how many were delivered. Null if the job was
    deleted since.
    """
    unit: Unit
    """What the model is sold by: an order's song, 1,000 Unicode code points of text, or a minute of audio."""
    estimate: Expectation | None
    """How long the job should take; null once it ended."""
    recovered_from: JobId | None
    """The job whose paid song this job delivers; null for an order of its own."""
    api_key_id: str | None
    """The id of the key that ordered it; null for a job of an event, a file or a redelivery."""
    attempt_count: Annotated[int, Field(ge=0)]
    """How many paid requests were made to providers."""
    tracks: list[Track]
    """The finished songs or speech; empty until the job succeeded."""
    missing_tracks: list[MissingTrack]
    """The ordered songs that a delivered job lacks; they were not charged."""
    error: JobError | None
    """Why the job failed; null unless it did."""
    reference: MadeIds | None
    """The ids that the provider gave the recording of this order; null without any."""
    urls: JobUrls
    """The job's own addresses."""
    request: SongRequest | SkipJsonSchema[None] = None
    """The accepted order without the fields that have their default; there only with `include=request`."""

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
            tracks=[Track.of(track, view.links[track.number], sound_of(job, track)) for track in finished_tracks(job)],
            missing_tracks=[MissingTrack.of(track) for track in missing_tracks(job)],
            error=JobError.of(job.failure) if job.failure else None,
            reference=MadeIds.of(job.reference.ids[-1]) if job.reference and job.reference.ids else None,
            urls=JobUrls.of(view, api_url),
        )


class JobList(Body):
    """A page of jobs, newest first."""

    data: list[Job]
    """The jobs, newest first."""
    next_cursor: str | None
    """The `cursor` of the next page; null on the last one."""

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
