"""The bodies that the API answers with, as models, so that the document can describe them.

The views in `fermata.domain` write these bodies; the tests of the handlers hold every real answer against them.
"""

from datetime import date
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, Field

from fermata.domain.failures import FailureClass, ProviderCharged
from fermata.domain.jobs import Charged, JobStatus
from fermata.domain.wallet import Plan
from fermata.domain.webhook_deliveries import Outcome

JOB_ID_PATTERN = r"^job_[0-7][0-9A-HJKMNP-TV-Z]{25}$"
REFERENCE_ID_PATTERN = r"^ref_[0-7][0-9A-HJKMNP-TV-Z]{25}$"

Moment = Annotated[
    str,
    Field(
        pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$",
        json_schema_extra={"format": "date-time", "example": "2026-11-21T07:47:55.020Z"},
    ),
]
"""A moment in UTC with milliseconds (RFC 3339)."""
Link = Annotated[str, Field(json_schema_extra={"format": "uri"})]
JobId = Annotated[str, Field(pattern=JOB_ID_PATTERN)]
Seconds = Annotated[int, Field(ge=1)]
Credits = Annotated[int, Field(ge=0)]
Format = Literal["mp3", "wav"]
ItemT = TypeVar("ItemT")


class Expectation(BaseModel):
    """How long songs take, in seconds, and when this one should be ready: half of the songs by `ready_at`."""

    p50_s: Seconds
    p80_s: Seconds
    ready_at: Moment


class Track(BaseModel):
    """A finished song. `url` works until `url_expires_at` and is minted at every read; the file itself is kept until
    `expires_at`. Everything else was measured from the file.
    """

    number: Annotated[int, Field(ge=1)]
    url: Link
    url_expires_at: Moment
    expires_at: Moment
    content_type: Literal["audio/mpeg", "audio/wav"]
    bytes: Annotated[int, Field(ge=1)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    duration_ms: Annotated[int, Field(ge=1)]
    sample_rate_hz: Annotated[int, Field(ge=1)]
    channels: Annotated[int, Field(ge=1)]
    bitrate_bps: Annotated[int, Field(ge=1)]


class JobError(BaseModel):
    """Why a job failed. `code` is the provider's own; `retryable` says whether another order may help."""

    failure_class: FailureClass = Field(alias="class")
    code: str | None
    message: str
    retryable: bool
    provider_charged: ProviderCharged


class JobUrls(BaseModel):
    """Where the job is. `cancel` is null once nothing can be canceled any more; `audio` leads to a fresh link."""

    self_url: Link = Field(alias="self")
    cancel: Link | None
    audio: Link


class Job(BaseModel):
    """One song as it was asked for and as far as it is."""

    id: JobId
    object: Literal["job"]
    status: JobStatus
    model: str
    fallbacks: list[str]
    title: str | None
    metadata: dict[str, str]
    created_at: Moment
    updated_at: Moment
    finished_at: Moment | None
    finish_by: Moment | None
    charged: Charged
    price_credits: Credits
    estimate: Expectation | None
    recovered_from: JobId | None
    attempt_count: Annotated[int, Field(ge=0)]
    tracks: list[Track]
    error: JobError | None
    urls: JobUrls


class Page(BaseModel, Generic[ItemT]):
    """A part of a list; `next_cursor` leads to the next one and is null on the last."""

    data: list[ItemT]
    next_cursor: str | None


class JobList(Page[Job]):
    """A page of jobs, newest first."""


class Attempt(BaseModel):
    """One paid request to a provider. `raw_code` is the provider's own word for a failure, `upstream_id` its name for
    the task.
    """

    number: Annotated[int, Field(ge=1)]
    provider: str
    model: str
    key_alias: str
    started_at: Moment
    finished_at: Moment | None
    provider_charged: ProviderCharged
    error_class: FailureClass | None
    raw_code: str | None
    upstream_id: str | None


class AttemptList(Page[Attempt]):
    """What was tried for a job, oldest first."""


class EndOfJob(BaseModel):
    """How a job ended; read the job for everything else."""

    event_id: str
    job_id: JobId
    status: Literal["succeeded", "failed", "canceled", "expired"]
    model: str
    charged: Charged
    price_credits: Credits
    error_class: FailureClass | None
    finished_at: Moment


class WebhookEvent(BaseModel):
    """What a webhook says: the end of one job, when it ended, and how."""

    type: Literal["job.succeeded", "job.failed", "job.canceled", "job.expired"]
    timestamp: Moment
    data: EndOfJob


WEBHOOK_TYPES = {
    "job.succeeded": "A song is there",
    "job.failed": "A job failed",
    "job.canceled": "A job was canceled",
    "job.expired": "A song would have come too late",
}
"""Every type of webhook, and what has happened."""


class WebhookAttempt(BaseModel):
    """One try to deliver a job's webhook, the `number`-th of a delivery; `replay` is 0 for the delivery at the job's
    end and counts those on request. `status_code` is what the receiver at `origin` answered, `error` why it did not.
    """

    replay: Annotated[int, Field(ge=0)]
    number: Annotated[int, Field(ge=1)]
    at: Moment
    origin: Link
    outcome: Outcome
    status_code: int | None
    error: Literal["address_refused", "no_connection", "timeout", "answer_lost"] | None
    next_try_at: Moment | None


class WebhookAttemptList(Page[WebhookAttempt]):
    """The tries to deliver a job's webhook, oldest delivery first."""


class WebhookReplay(BaseModel):
    """Another delivery that has begun, to a receiver at `origin`."""

    object: Literal["webhook_replay"]
    webhook_id: str
    replay: Annotated[int, Field(ge=1)]
    origin: Link


class TextLimits(BaseModel):
    """The length of a text in Unicode code points, and whether it must be there."""

    min: Annotated[int, Field(ge=0)]
    max: Annotated[int, Field(ge=1)]
    required: bool


class ReferenceLimits(BaseModel):
    """The recording that a model sings after: strictly longer than `longer_than_s` seconds, at most `max_bytes`."""

    required: bool
    longer_than_s: Seconds
    max_s: Seconds
    max_bytes: Annotated[int, Field(ge=1)]
    formats: list[Format]
    purposes: list[Literal["song", "voice", "instrumental"]]


class ModelLimits(BaseModel):
    """What may be asked of a model. A text that is null is not taken, or has no rule of its own; an empty list leaves
    no choice.
    """

    prompt: TextLimits | None
    prompt_beside_lyrics: TextLimits | None
    lyrics: TextLimits | None
    title: TextLimits | None
    instrumental: bool
    auto_lyrics: bool
    formats: list[Format]
    sample_rates: list[int]
    bitrates: list[int]
    reference: ReferenceLimits | None


class ModelEstimate(BaseModel):
    """How long a model's songs take, in seconds: half of them, and four of five."""

    p50_s: Seconds
    p80_s: Seconds


class Model(BaseModel):
    """A model on offer. An id that ends in `*` stands for a family of names."""

    id: str
    provider: str
    available: bool
    price_credits: Credits
    limits: ModelLimits
    estimate: ModelEstimate


class ModelList(Page[Model]):
    """Every model on offer."""


class Quote(BaseModel):
    """What an order would cost and take; `hold_credits` is what it would hold until it is done."""

    object: Literal["quote"]
    model: str
    fallbacks: list[str]
    price_credits: Credits
    hold_credits: Credits
    estimate: Expectation


class Limits(BaseModel):
    """What the plan allows: orders and reads a calendar minute, jobs open at once, and credits a calendar month in UTC,
    spent and held together.
    """

    submits_per_minute: Annotated[int, Field(ge=1)]
    reads_per_minute: Annotated[int, Field(ge=1)]
    concurrent_jobs: Annotated[int, Field(ge=1)]
    monthly_credits: Credits | None


class Account(BaseModel):
    """A tenant's plan and credits. `available_credits` is what a new job may hold, `in_flight_jobs` how many jobs are
    open.
    """

    object: Literal["account"]
    tenant_id: str
    plan: Plan
    cap_credits: Credits | None
    balance_credits: int
    held_credits: Credits
    spent_credits: Credits
    granted_credits: Credits
    month: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
    spent_this_month_credits: Credits
    available_credits: int
    in_flight_jobs: Annotated[int, Field(ge=0)]
    limits: Limits


class UsageEntry(BaseModel):
    """Jobs that ended on one day, by the model that sang or was to sing last; `audio_ms` is the length of the songs."""

    day: date
    model: str
    jobs: Annotated[int, Field(ge=1)]
    succeeded: Annotated[int, Field(ge=0)]
    credits: Credits
    audio_ms: Annotated[int, Field(ge=0)]


class UsageList(Page[UsageEntry]):
    """A page of usage."""


class UploadForm(BaseModel):
    """A form to upload a file with: send `fields` and then the file as the field `file`, as multipart/form-data."""

    method: Literal["POST"]
    url: Link
    fields: dict[str, str]
    expires_at: Moment


class Reference(BaseModel):
    """A place for a reference recording. `id` may be named in orders until `expires_at`."""

    id: Annotated[str, Field(pattern=REFERENCE_ID_PATTERN)]
    object: Literal["reference"]
    upload: UploadForm
    expires_at: Moment


class Health(BaseModel):
    """Requests reach a function and it answers."""

    status: Literal["ok"]


class WrongField(BaseModel):
    """One wrong field: a JSON pointer (RFC 6901) into the body, or the name of a query parameter, and what is right."""

    pointer: str
    message: str


class Problem(BaseModel):
    """A problem document (RFC 9457). `retryable` says whether the same request may succeed in a moment, `charged` what
    it did to the caller's credits (null where it could do nothing).
    """

    type: str
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    errors: list[WrongField]
    retryable: bool
    charged: Literal["no", "held"] | None
    request_id: str
    balance_credits: int | None = None
    available_credits: int | None = None
    price_credits: int | None = None
    required_scope: str | None = None


class GatewayMessage(BaseModel):
    """What API Gateway answers itself, in the shape of AWS, before or instead of a function."""

    message: str | None


Body = type[BaseModel] | dict[str, Any]
"""What a body is: a model, or a schema where no model of ours says it."""
