"""Post a signed test message to a tenant's endpoint, once and at once."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict

from fermata.domain.orders.job_id import sortable_id
from fermata.domain.web.formats import rfc3339
from fermata.domain.web.json_body import read_optional_body
from fermata.domain.web.safe_url import origin_of
from fermata.domain.webhooks.endpoint_view import EndpointTest
from fermata.domain.webhooks.message import WebhookMessage
from fermata.errors import NoWebhookError
from fermata.ports.webhooks import WebhookSender, WebhookStore

TEST_EVENT: Final = "webhook.test"
"""The `type` of a test message, which no job's end has."""


class NoFields(BaseModel):
    """The body of a request that takes no fields."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")


@dataclass(frozen=True)
class TryWebhookPorts:
    """Ports of `try_webhook`. `clock` measures the time until the reply."""

    webhooks: WebhookStore
    sender: WebhookSender
    clock: Callable[[], datetime]


def try_webhook(body: bytes, tenant_id: str, ports: TryWebhookPorts, now: datetime, randomness: bytes) -> EndpointTest:
    """Post one message to the tenant's endpoint, also to one that is off because it answered 410, and return what
    happened. It changes nothing, whatever the answer is.

    Raises `InvalidRequestError` for a body with fields, `NoWebhookError` without an endpoint, and `TransientError`.
    """
    read_optional_body(body, NoFields)
    endpoint = ports.webhooks.find(tenant_id)
    if endpoint is None or endpoint.url is None:
        raise NoWebhookError("no endpoint is set; set one with PUT /v1/webhook")
    message = _message(f"test_{sortable_id(now, randomness)}", now)
    headers = message.headers(ports.webhooks.secrets(tenant_id), now)
    began = ports.clock()
    reply = ports.sender.send(endpoint.url, headers, message.body)
    duration_ms = round((ports.clock() - began).total_seconds() * 1000)
    origin = origin_of(endpoint.url)
    return EndpointTest(message.webhook_id, origin, reply, max(0, duration_ms), endpoint.disabled_at)


def _message(webhook_id: str, now: datetime) -> WebhookMessage:
    event = {"type": TEST_EVENT, "timestamp": rfc3339(now), "data": {"event_id": webhook_id}}
    return WebhookMessage(webhook_id, json.dumps(event, separators=(",", ":")).encode())
