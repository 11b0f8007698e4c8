"""Webhook endpoints, and the deliveries to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fermata.domain.webhooks.delivery import Reply, WebhookAttempt
    from fermata.domain.webhooks.message import WebhookEndpoint
    from fermata.domain.webhooks.secret import WebhookSecrets


class WebhookStore(Protocol):
    """The tenants' webhook endpoints and secrets; every method raises `TransientError`."""

    def find(self, tenant_id: str) -> WebhookEndpoint | None:
        """The tenant's endpoint, read consistently, or None for a tenant without a secret."""

    def secrets(self, tenant_id: str) -> WebhookSecrets:
        """The tenant's secrets, read consistently; raises `ConfigurationError` if there are none."""

    def point(self, endpoint: WebhookEndpoint, secret: str) -> bool:
        """Set or replace the tenant's endpoint. True if `secret` is now the tenant's, False if an earlier one stays."""

    def switch_off(self, tenant_id: str) -> None:
        """Delete the URL of a tenant's endpoint; its secret stays."""

    def disable(self, tenant_id: str, url: str, now: datetime) -> None:
        """Disable the tenant's endpoint, if this is still its URL."""

    def rotate(self, tenant_id: str, secret: str, previous_until: datetime) -> bool:
        """Sign with a new secret, and until `previous_until` with the previous one, too; False if there was none.
        Repeating it with the same secret changes nothing.
        """


class WebhookDeliveries(Protocol):
    """The attempts to deliver webhooks and their results; every method raises `TransientError`."""

    def of(self, job_id: str) -> tuple[WebhookAttempt, ...]:
        """The attempts to deliver a job's webhook, read consistently, oldest delivery first."""

    def add(self, job_id: str, attempt: WebhookAttempt) -> WebhookAttempt:
        """Record an attempt and return the stored one: this, or an earlier record of the same attempt."""

    def next_replay(self, job_id: str, most_posts: int, now: datetime) -> int | None:
        """A number from 1 on that no other replay gets, or None if the numbers or the posts are used up."""

    def count_post(self, job_id: str, most_posts: int, now: datetime) -> bool:
        """Count a post before it is made; False, without counting, if it would exceed the limit."""

    def forget(self, job_id: str) -> None:
        """Delete everything about a job's webhook."""


class WebhookSender(Protocol):
    """Sends webhooks to tenants' addresses; every address is checked before a connection is made."""

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Post once without following redirects, and return the reply; no behaviour of a receiver raises an error."""


class WebhookMachine(Protocol):
    """The state machine that delivers webhooks."""

    def start(self, name: str, job_id: str, replay: int) -> None:
        """Start a delivery under its name; a second start changes nothing. Raises `TransientError`."""
