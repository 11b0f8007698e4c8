"""Webhook messages about the end of one job, in ids and figures, and their receivers."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, WithJsonSchema

from fermata.domain.finish.events import ENDS, EndOfJob
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.web.formats import Moment
from fermata.domain.webhooks.secret import WebhookSecrets, signature_header, timestamp


def event_type(status: JobStatus) -> str:
    """The event type for a job's end with this status."""
    return f"job.{status}"


class WebhookEndpoint(BaseModel):
    """A tenant's endpoint for webhooks. Every tenant with a secret has one, perhaps without `url`; `disabled_at` is
    when the receiver answered 410 (gone).
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    tenant_id: str
    url: str | None = None
    disabled_at: datetime | None = None


class WebhookEvent(BaseModel):
    """The body of a webhook: the end of one job, with its time and result."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    type: Annotated[str, WithJsonSchema({"type": "string", "enum": [event_type(each) for each in ENDS]})]
    """What happened."""
    timestamp: Moment
    """When it happened, in UTC."""
    data: EndOfJob
    """How the job ended."""


@dataclass(frozen=True)
class WebhookMessage:
    """One event for one receiver; its id and body are the same in every attempt."""

    webhook_id: str
    body: bytes

    def headers(self, secrets: WebhookSecrets, now: datetime) -> dict[str, str]:
        """The headers of one attempt."""
        return {
            "content-type": "application/json",
            "webhook-id": self.webhook_id,
            "webhook-timestamp": str(timestamp(now)),
            "webhook-signature": signature_header(secrets, self.webhook_id, self.body, now),
        }


def receiver_of(job: Job, endpoint: WebhookEndpoint | None) -> str | None:
    """The URL for the webhook of a job's end: the job's `callback_url`, otherwise its tenant's endpoint. None for a
    tenant without a secret, and for a deleted job.
    """
    if endpoint is None or job.deleted_at is not None:
        return None
    if job.request.callback_url is not None:
        return job.request.callback_url
    return None if endpoint.disabled_at else endpoint.url


def message_of(job: Job) -> WebhookMessage:
    """The message about a finished job's end: the event of the bus without the tenant's id."""
    end = EndOfJob.of(job)
    event = WebhookEvent.model_construct(type=event_type(job.status), timestamp=end.finished_at, data=end)
    return WebhookMessage(webhook_id(job), json.dumps(event.model_dump(mode="json"), separators=(",", ":")).encode())


def webhook_id(job: Job) -> str:
    """The id of the message about a job's end; it has no full stop, because that separates parts of the signed text."""
    return f"{job.id}_{job.status}"


def delivery_name(job: Job, replay: int) -> str:
    """The unique name of the delivery of a job's end (`replay` 0), or of one of its replays (1 and up)."""
    event_id = EndOfJob.of(job).event_id
    return f"{event_id}.replay-{replay}" if replay else event_id
