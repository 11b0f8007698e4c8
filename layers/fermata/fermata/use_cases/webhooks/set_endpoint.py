"""Set a tenant's webhook endpoint and secret, for an operator's command and for a tenant's own request alike."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from fermata.domain.web.safe_url import WEBHOOK_LINK_RULE, is_public_link
from fermata.domain.webhooks.endpoint_view import EndpointView, RotatedSecret
from fermata.domain.webhooks.message import WebhookEndpoint
from fermata.domain.webhooks.secret import new_secret
from fermata.errors import FieldError, InvalidRequestError
from fermata.ports.webhooks import WebhookStore


@dataclass(frozen=True)
class EndpointPorts:
    """Ports of endpoints and secrets. `trusted_origins` are allowed for endpoints besides public https origins."""

    webhooks: WebhookStore
    trusted_origins: Collection[str]


def set_endpoint(tenant_id: str, url: str, ports: EndpointPorts, randomness: bytes) -> EndpointView:
    """Send the webhooks of a tenant's jobs to this URL from now on. The view has the tenant's first secret, None if it
    has one already. Raises `InvalidRequestError` for a URL that is not public, and `TransientError`.
    """
    if not is_public_link(url, ports.trusted_origins):
        raise InvalidRequestError([FieldError("/url", WEBHOOK_LINK_RULE)])
    endpoint, secret = WebhookEndpoint(tenant_id=tenant_id, url=url), new_secret(randomness)
    is_new = ports.webhooks.point(endpoint, secret)
    return EndpointView(endpoint, secret if is_new else None)


def rotate_secret(
    tenant_id: str, overlap_s: int, ports: EndpointPorts, now: datetime, randomness: bytes
) -> RotatedSecret:
    """Make a new secret; the previous one, if any, also signs for `overlap_s` seconds. Raises `TransientError`."""
    secret, until = new_secret(randomness), now + timedelta(seconds=overlap_s)
    had_one = ports.webhooks.rotate(tenant_id, secret, until)
    return RotatedSecret(secret, until if had_one else None)
