"""A job, its tracks and its attempts."""

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import Field

from fermata_client.models.answer import Answer

JobStatus = Literal["queued", "submitting", "generating", "storing", "succeeded", "failed", "canceled", "expired"]
Charged = Literal["no", "held", "yes", "refunded"]
FINISHED: Final[frozenset[str]] = frozenset({"succeeded", "failed", "canceled", "expired"})
"""The states that a job does not leave."""


class Expectation(Answer):
    """How long it usually takes, in seconds: half at most `p50_s`, four of five at most `p80_s`."""

    p50_s: int
    p80_s: int
    ready_at: datetime | None = None


class TrackInfo(Answer):
    """What was measured from a file. `url` works until `url_expires_at`, the file is kept until `expires_at`. `marks`
    say that a model made it; `source_sha256` is the hash of the file without them, as the provider sent it.
    """

    number: int
    url: str = Field(repr=False)
    url_expires_at: datetime
    expires_at: datetime
    content_type: str
    bytes: int
    sha256: str
    duration_ms: int
    sample_rate_hz: int
    channels: int
    bitrate_bps: int
    subtitles_url: str | None = Field(default=None, repr=False)
    subtitles_vtt_url: str | None = Field(default=None, repr=False)
    source_sha256: str | None = None
    marks: list[str] = Field(default_factory=list)


class MissingTrack(Answer):
    """A song that was ordered, not delivered and not charged."""

    number: int
    reason: str


class JobError(Answer):
    """Why a job failed. `code` is the provider's own; `retryable` says whether another order may help."""

    failure_class: str = Field(alias="class")
    code: str | None = None
    message: str
    retryable: bool = False
    provider_charged: str = "unknown"


class JobUrls(Answer):
    """The job's addresses. `live` is the playlist of audio that is being made, null outside of that time."""

    self_url: str = Field(alias="self")
    cancel: str | None = None
    audio: str | None = None
    live: str | None = Field(default=None, repr=False)


class Job(Answer):
    """One order and its progress. `price_credits` is its whole price, `spent_credits` what was paid."""

    id: str
    status: JobStatus
    kind: str = "song"
    model: str
    fallbacks: list[str] = Field(default_factory=list)
    delivered_model: str | None = None
    title: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None = None
    finish_by: datetime | None = None
    charged: Charged
    price_credits: int
    spent_credits: int | None = None
    units: float | None = None
    unit: str = "song"
    estimate: Expectation | None = None
    recovered_from: str | None = None
    api_key_id: str | None = None
    attempt_count: int = 0
    tracks: list[TrackInfo] = Field(default_factory=list)
    missing_tracks: list[MissingTrack] = Field(default_factory=list)
    error: JobError | None = None
    urls: JobUrls
    request: dict[str, Any] | None = None

    @property
    def is_finished(self) -> bool:
        """Whether the job has ended, in whichever way."""
        return self.status in FINISHED


class Attempt(Answer):
    """One paid request to a provider. `trace_id` is what the provider's support asks for."""

    number: int
    provider: str
    model: str
    key_alias: str
    started_at: datetime
    finished_at: datetime | None = None
    provider_charged: str
    error_class: str | None = None
    raw_code: str | None = None
    upstream_id: str | None = None
    provider_units: float | None = None
    trace_id: str | None = None
