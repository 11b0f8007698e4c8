"""What a webhook says, and to whom: the end of one job, in ids and figures."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, WithJsonSchema

from fermata.domain.jobs.events import ENDS, EndOfJob
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.web.formats import Moment
from fermata.domain.webhooks.secret import WebhookSecrets, signature_header, timestamp


def event_type(status: JobStatus) -> str:
    """The type of the event that a job ended with this status."""
    return f"job.{status}"


class WebhookEndpoint(BaseModel):
    """Where a tenant hears of its jobs. There is one for every tenant with a secret, perhaps without `url`;
    `disabled_at` is when the receiver said that it does not want to hear anything any more.
    """

    model_config = ConfigDict(frozen=True)

    tenant_id: str
    url: str | None = None
    disabled_at: datetime | None = None


class WebhookEvent(BaseModel):
    """What a webhook says: the end of one job, when it ended, and how."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    type: Annotated[str, WithJsonSchema({"type": "string", "enum": [event_type(each) for each in ENDS]})]
    timestamp: Moment
    data: EndOfJob


@dataclass(frozen=True)
class WebhookMessage:
    """One event for one receiver; id and body are the same however often it is sent."""

    webhook_id: str
    body: bytes

    def headers(self, secrets: WebhookSecrets, now: datetime) -> dict[str, str]:
        """The headers of one try."""
        return {
            "content-type": "application/json",
            "webhook-id": self.webhook_id,
            "webhook-timestamp": str(timestamp(now)),
            "webhook-signature": signature_header(secrets, self.webhook_id, self.body, now),
        }


def receiver_of(job: Job, endpoint: WebhookEndpoint | None) -> str | None:
    """Where the end of a job is to be told: its own `callback_url`, else its tenant's endpoint. Nowhere for a tenant
    without a secret, and for a job that was deleted.
    """
    if endpoint is None or job.deleted_at is not None:
        return None
    if job.request.callback_url is not None:
        return job.request.callback_url
    return None if endpoint.disabled_at else endpoint.url


def message_of(job: Job) -> WebhookMessage:
    """The message about a finished job's end: what the bus is told of it, but for the tenant, who knows who it is."""
    end = EndOfJob.of(job)
    event = WebhookEvent.model_construct(type=event_type(job.status), timestamp=end.finished_at, data=end)
    return WebhookMessage(webhook_id(job), json.dumps(event.model_dump(mode="json"), separators=(",", ":")).encode())


def webhook_id(job: Job) -> str:
    """The id of the message about a job's end; without a full stop, which the signed text is divided by."""
    return f"{job.id}_{job.status}"


def delivery_name(job: Job, replay: int) -> str:
    """A name for the delivery of a job's end, and for each of its replays (1 and up), that no other has."""
    event_id = EndOfJob.of(job).event_id
    return f"{event_id}.replay-{replay}" if replay else event_id
