"""Commands for a tenant's webhook endpoint and secret."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from fermata.domain.orders.references import MAX_URL_CHARACTERS
from fermata.domain.web.formats import rfc3339
from fermata.domain.web.safe_url import PUBLIC_LINK_RULE, is_public_link
from fermata.domain.webhooks.message import WebhookEndpoint
from fermata.domain.webhooks.secret import new_secret
from fermata.errors import FieldError, InvalidRequestError
from fermata.ports.webhooks import WebhookStore
from fermata.use_cases.accounts.issue_keys import DEFAULT_OVERLAP_S, Overlap
from fermata.use_cases.operator.manage_keys import TenantId


@dataclass(frozen=True)
class ManageWebhookPorts:
    """Ports of `manage_webhooks`. `trusted_origins` are allowed for endpoints besides public https origins."""

    webhooks: WebhookStore
    trusted_origins: Collection[str]


class _Command(BaseModel):
    model_config = ConfigDict(extra="forbid")

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
    command: WebhookCommand, ports: ManageWebhookPorts, now: datetime, randomness: bytes
) -> dict[str, JsonValue]:
    """Execute one command for an existing tenant and return its result. Raises `InvalidRequestError` for a URL that is
    not public, and `TransientError`.
    """
    match command:
        case SetWebhook(tenant_id=tenant_id, url=url):
            return _set(tenant_id, url, ports, randomness)
        case RotateWebhookSecret(tenant_id=tenant_id, overlap_s=overlap_s):
            secret, until = new_secret(randomness), now + timedelta(seconds=overlap_s)
            had_one = ports.webhooks.rotate(tenant_id, secret, until)
            return {"tenant_id": tenant_id, "secret": secret, "previous_until": rfc3339(until) if had_one else None}


def _set(tenant_id: str, url: str | None, ports: ManageWebhookPorts, randomness: bytes) -> dict[str, JsonValue]:
    if url is None:
        ports.webhooks.switch_off(tenant_id)
        return {"tenant_id": tenant_id, "url": None}
    if not is_public_link(url, ports.trusted_origins):
        raise InvalidRequestError([FieldError("/url", PUBLIC_LINK_RULE)])
    secret = new_secret(randomness)
    is_new = ports.webhooks.point(WebhookEndpoint(tenant_id=tenant_id, url=url), secret)
    return {"tenant_id": tenant_id, "url": url, **({"secret": secret} if is_new else {})}
