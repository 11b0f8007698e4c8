"""Try once to deliver a job's webhook. A try is repeated only if its outcome is unknown."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fermata.domain.tenants.plan_limits import limits_of
from fermata.domain.web.safe_url import origin_of
from fermata.domain.webhooks.delivery import (
    Outcome,
    Step,
    Try,
    Verdict,
    attempt_after,
    is_overtaken,
    put_off_s,
    step_after,
)
from fermata.domain.webhooks.message import message_of, receiver_of
from fermata.log import logger
from fermata.ports.jobs import JobStore
from fermata.ports.metrics import Metrics
from fermata.ports.money import WalletStore
from fermata.ports.webhooks import WebhookDeliveries, WebhookSender, WebhookStore
from fermata.use_cases.accounts.count_calls import CallMeter

LAG: Final = "WebhookLagSeconds"
"""The metric of the time from a job's end to the first post about it, which no receiver can lengthen for itself."""


@dataclass(frozen=True)
class DeliverPorts:
    """Ports of `deliver_webhook`. `chance` returns a random number from 0 to 1."""

    jobs: JobStore
    webhooks: WebhookStore
    deliveries: WebhookDeliveries
    sender: WebhookSender
    wallets: WalletStore
    repeats: CallMeter
    metrics: Metrics
    chance: Callable[[], float]


def deliver_webhook(job_id: str, which: Try, ports: DeliverPorts, now: datetime) -> Step:
    """Make this try and return the next step. A try that is on record is not repeated. No try is made if the job was
    deleted, has no receiver any more, was delivered by a later replay, or has used up the posts that the plan allows a
    job. A retry beyond the plan's limit per minute is postponed.

    Raises `TransientError`, and `ConfigurationError` for a tenant without a secret.
    """
    attempts = ports.deliveries.of(job_id)
    known = next((attempt for attempt in attempts if attempt.which == which), None)
    if known is not None:
        return step_after(known)
    job = ports.jobs.load(job_id)
    url = None if job is None else receiver_of(job, ports.webhooks.find(job.tenant_id))
    if job is None or url is None or is_overtaken(which, attempts):
        return Step(Verdict.STOPPED, which.number)
    message, most_posts = message_of(job), limits_of(ports.wallets.find(job.tenant_id)).webhook_posts_per_job
    secrets = ports.webhooks.secrets(job.tenant_id)
    repeats = ports.repeats.count(job.tenant_id, now) if which.is_repeat else None
    if repeats is not None and repeats.exceeded:
        return Step(Verdict.RETRY, which.number, put_off_s(which, repeats.resets_in_s, ports.chance()))
    if not ports.deliveries.count_post(job_id, most_posts, now):
        logger.warning("a webhook was posted as often as the plan allows", extra={"posts": most_posts})
        return Step(Verdict.STOPPED, which.number)
    if not which.is_repeat and job.finished_at is not None:
        ports.metrics.seconds(LAG, max((now - job.finished_at).total_seconds(), 0))
    reply = ports.sender.send(url, message.headers(secrets, now), message.body)
    attempt = attempt_after(reply, which, origin_of(url), now, ports.chance())
    if attempt.outcome is Outcome.GONE:
        # If the job had its own callback_url, the tenant's endpoint has another URL and stays.
        ports.webhooks.disable(job.tenant_id, url, now)
    return step_after(ports.deliveries.add(job_id, attempt))
