"""Webhook endpoints, and the deliveries to them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from fermata.domain.webhooks.delivery import Reply, WebhookAttempt
from fermata.domain.webhooks.message import WebhookEndpoint
from fermata.domain.webhooks.secret import WebhookSecrets


class WebhookStore(Protocol):
    """The tenants' webhook endpoints and secrets; every method raises `TransientError`."""

    def find(self, tenant_id: str) -> WebhookEndpoint | None:
        """The tenant's endpoint, read consistently, or None for a tenant without a secret."""

    def secrets(self, tenant_id: str) -> WebhookSecrets:
        """The tenant's secrets, read consistently; raises `ConfigurationError` where there are none."""

    def point(self, endpoint: WebhookEndpoint, secret: str) -> bool:
        """Put an endpoint in place of the tenant's, if any; True where the secret is now the tenant's, False where it
        keeps the one that it has.
        """

    def switch_off(self, tenant_id: str) -> None:
        """Forget the address of a tenant's endpoint; its secret stays."""

    def disable(self, tenant_id: str, url: str, now: datetime) -> None:
        """Send nothing to the tenant's endpoint any more, provided that this is still its address."""

    def rotate(self, tenant_id: str, secret: str, previous_until: datetime) -> bool:
        """Sign with a new secret, and until a moment with the one before it, too; False where there was none before.
        Doing it again with the same secret changes nothing.
        """


class WebhookDeliveries(Protocol):
    """What became of the tries to deliver webhooks; every method raises `TransientError`."""

    def of(self, job_id: str) -> tuple[WebhookAttempt, ...]:
        """The tries of a job's webhook, read consistently, oldest delivery first."""

    def add(self, job_id: str, attempt: WebhookAttempt) -> WebhookAttempt:
        """Keep a try, and give back what stands: this one, or what was kept of the same try before."""

    def next_replay(self, job_id: str, most_posts: int, now: datetime) -> int | None:
        """A number from 1 on that nobody else gets, or None where they, or the posts, are used up."""

    def count_post(self, job_id: str, most_posts: int, now: datetime) -> bool:
        """Count a post that is about to be made; False where it would be one too many, and is not counted."""

    def forget(self, job_id: str) -> None:
        """Delete everything about a job's webhook."""


class WebhookSender(Protocol):
    """The way to addresses that tenants name; every address is checked before a connection is made."""

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Post once, follow no redirect and say what came back; nothing that a receiver does raises."""


class WebhookMachine(Protocol):
    """The state machine that delivers webhooks."""

    def start(self, name: str, job_id: str, replay: int) -> None:
        """Start a delivery under its name; a second start changes nothing. Raises `TransientError`."""
