"""A tenant's own webhook over HTTP: its endpoint and its secret."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from fermata.domain.orders.references import MAX_URL_CHARACTERS
from fermata.domain.tenants.tenant import Caller
from fermata.domain.web.json_body import read_body, read_optional_body
from fermata.domain.webhooks.endpoint_view import EndpointView, RotatedSecret
from fermata.use_cases.accounts.issue_keys import DEFAULT_OVERLAP_S, Overlap
from fermata.use_cases.webhooks.set_endpoint import EndpointPorts, rotate_secret, set_endpoint


class _Body(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")


class WebhookRequest(_Body):
    """Where webhooks are posted."""

    url: Annotated[StrictStr, Field(min_length=1, max_length=MAX_URL_CHARACTERS)]
    """An https link on port 443 of a public host."""


class SecretRotation(_Body):
    """How a signing secret is replaced."""

    overlap_s: Overlap = DEFAULT_OVERLAP_S
    """For how many seconds the previous secret also signs; a day (86,400) by default."""


def show_webhook(tenant_id: str, ports: EndpointPorts) -> EndpointView:
    """The tenant's endpoint; raises `TransientError`."""
    return EndpointView(ports.webhooks.find(tenant_id))


def put_webhook(body: bytes, caller: Caller, ports: EndpointPorts, randomness: bytes) -> EndpointView:
    """Set the endpoint of the caller's tenant, or switch it on again. The view has the first secret of a tenant without
    one. Raises a `RequestRefusedError` before anything is stored, and `TransientError`.
    """
    return set_endpoint(caller.tenant_id, read_body(body, WebhookRequest).url, ports, randomness)


def replace_secret(
    body: bytes, caller: Caller, ports: EndpointPorts, now: datetime, randomness: bytes
) -> RotatedSecret:
    """Make a new secret for the caller's tenant; raises a `RequestRefusedError` before anything is stored, and
    `TransientError`.
    """
    wanted = read_optional_body(body, SecretRotation)
    return rotate_secret(caller.tenant_id, wanted.overlap_s, ports, now, randomness)
