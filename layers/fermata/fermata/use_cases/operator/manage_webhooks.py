"""What an operator does with a tenant's webhooks."""

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
from fermata.use_cases.operator.manage_keys import DEFAULT_OVERLAP_S, Overlap, TenantId


@dataclass(frozen=True)
class ManageWebhookPorts:
    """Where endpoints are kept, and the origins that they may have besides public https."""

    webhooks: WebhookStore
    trusted_origins: Collection[str]


class _Command(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tenant_id: TenantId


class SetWebhook(_Command):
    """Tell of the ends of a tenant's jobs at this address from now on, or nowhere. The tenant's first secret is shown
    with it, and only there.
    """

    action: Literal["set_webhook"]
    url: Annotated[str, Field(max_length=MAX_URL_CHARACTERS)] | None


class RotateWebhookSecret(_Command):
    """Make a new secret, which is shown only here; the one before it signs as well for `overlap_s` more seconds. A
    tenant without a secret gets its first one.
    """

    action: Literal["rotate_webhook_secret"]
    overlap_s: Overlap = DEFAULT_OVERLAP_S


WebhookCommand = SetWebhook | RotateWebhookSecret


def manage_webhooks(
    command: WebhookCommand, ports: ManageWebhookPorts, now: datetime, randomness: bytes
) -> dict[str, JsonValue]:
    """Carry out one command for a tenant that exists; raises `InvalidRequestError` for an address that is not public,
    and `TransientError`.
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
