"""Commands for a tenant's webhook endpoint and secret."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from fermata.domain.orders.references import MAX_URL_CHARACTERS
from fermata.domain.web.formats import rfc3339
from fermata.use_cases.accounts.issue_keys import DEFAULT_OVERLAP_S, Overlap
from fermata.use_cases.operator.manage_keys import TenantId
from fermata.use_cases.webhooks.set_endpoint import EndpointPorts, rotate_secret, set_endpoint


class _Command(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")

    tenant_id: TenantId


class SetWebhook(_Command):
    """Send the webhooks of a tenant's jobs to this URL from now on, or nowhere if it is null. A tenant without a secret
    also gets its first one, which is shown only in this answer.
    """

    action: Literal["set_webhook"]
    url: Annotated[str, Field(max_length=MAX_URL_CHARACTERS)] | None


class RotateWebhookSecret(_Command):
    """Create a new secret, which is shown only in this answer. The previous one, if any, also signs for another
    `overlap_s` seconds.
    """

    action: Literal["rotate_webhook_secret"]
    overlap_s: Overlap = DEFAULT_OVERLAP_S


WebhookCommand = SetWebhook | RotateWebhookSecret


def manage_webhooks(
    command: WebhookCommand, ports: EndpointPorts, now: datetime, randomness: bytes
) -> dict[str, JsonValue]:
    """Execute one command for an existing tenant and return its result. Raises `InvalidRequestError` for a URL that is
    not public, and `TransientError`.
    """
    tenant_id = command.tenant_id
    if isinstance(command, RotateWebhookSecret):
        rotated = rotate_secret(tenant_id, command.overlap_s, ports, now, randomness)
        return {"tenant_id": tenant_id, "secret": rotated.secret, "previous_until": rfc3339(rotated.previous_until)}
    if command.url is None:
        ports.webhooks.switch_off(tenant_id)
        return {"tenant_id": tenant_id, "url": None}
    secret = set_endpoint(tenant_id, command.url, ports, randomness).secret
    return {"tenant_id": tenant_id, "url": command.url, **({} if secret is None else {"secret": secret})}
