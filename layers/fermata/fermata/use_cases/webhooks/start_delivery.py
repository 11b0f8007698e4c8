"""Start the webhook delivery of a job's end."""

from dataclasses import dataclass

from fermata.domain.jobs.job import Job
from fermata.domain.webhooks.message import delivery_name, receiver_of
from fermata.ports.webhooks import WebhookMachine, WebhookStore


@dataclass(frozen=True)
class TellPorts:
    """Ports of `tell_by_webhook`."""

    webhooks: WebhookStore
    machine: WebhookMachine


def tell_by_webhook(job: Job, ports: TellPorts) -> None:
    """Start a finished job's delivery, unless it was started before or has no receiver. Raises `TransientError`.

    The outcome of the delivery never affects the job.
    """
    if receiver_of(job, ports.webhooks.find(job.tenant_id)) is not None:
        ports.machine.start(delivery_name(job, 0), job.id, 0)
