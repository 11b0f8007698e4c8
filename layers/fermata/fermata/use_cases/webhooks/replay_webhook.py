"""Replay a finished job's webhook, and list its delivery attempts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fermata.domain.tenants.plan_limits import limits_of
from fermata.domain.web.safe_url import origin_of
from fermata.domain.webhooks.delivery import MOST_REPLAYS, StartedReplay, WebhookAttempt
from fermata.domain.webhooks.message import delivery_name, receiver_of, webhook_id
from fermata.errors import NotFinishedError, NoWebhookError, TooManyReplaysError
from fermata.ports.jobs import JobStore
from fermata.ports.money import WalletStore
from fermata.ports.webhooks import WebhookDeliveries, WebhookMachine, WebhookStore
from fermata.use_cases.orders.read_jobs import find_job


@dataclass(frozen=True)
class ReplayPorts:
    """Ports of `replay_webhook` and `list_webhook_attempts`."""

    jobs: JobStore
    webhooks: WebhookStore
    deliveries: WebhookDeliveries
    machine: WebhookMachine
    wallets: WalletStore


def replay_webhook(job_id: str, tenant_id: str, ports: ReplayPorts, now: datetime) -> StartedReplay:
    """Start another delivery of the same event, under the same `webhook-id`. Earlier deliveries stop once this one has
    arrived.

    Raises `NotFoundError`, `NotFinishedError`, `NoWebhookError`, `TooManyReplaysError` and `TransientError`.
    """
    job = find_job(job_id, tenant_id, ports.jobs)
    if not job.status.is_terminal:
        raise NotFinishedError(f"the job is {job.status}; its webhook is sent once it ended")
    url = receiver_of(job, ports.webhooks.find(tenant_id))
    if url is None:
        raise NoWebhookError(
            "the job has no callback_url, and no endpoint of this tenant is switched on; PUT /v1/webhook sets one"
        )
    most_posts = limits_of(ports.wallets.find(tenant_id)).webhook_posts_per_job
    replay = ports.deliveries.next_replay(job_id, most_posts, now)
    if replay is None:
        raise TooManyReplaysError(
            f"this webhook was sent again {MOST_REPLAYS} times, or posted {most_posts} times, which is as often as it "
            "may be; read the job instead"
        )
    ports.machine.start(delivery_name(job, replay), job_id, replay)
    return StartedReplay(webhook_id(job), replay, origin_of(url))


def list_webhook_attempts(job_id: str, tenant_id: str, ports: ReplayPorts) -> Sequence[WebhookAttempt]:
    """Every recorded try to deliver a job's webhook, oldest delivery first. Raises `NotFoundError` and
    `TransientError`.
    """
    job = find_job(job_id, tenant_id, ports.jobs)
    return ports.deliveries.of(job.id)
