"""Start the webhook delivery of a job's end."""

from dataclasses import dataclass

from fermata.domain.jobs.job import Job
from fermata.domain.webhooks.message import delivery_name, receiver_of
from fermata.ports.webhooks import WebhookMachine, WebhookStore


@dataclass(frozen=True)
class StartDeliveryPorts:
    """Ports of `start_delivery`."""

    webhooks: WebhookStore
    machine: WebhookMachine


def start_delivery(job: Job, ports: StartDeliveryPorts) -> None:
    """Start a finished job's delivery, unless it was started before or has no receiver. Raises `TransientError`.

    The outcome of the delivery never affects the job.
    """
    if receiver_of(job, ports.webhooks.find(job.tenant_id)) is not None:
        ports.machine.start(delivery_name(job, 0), job.id, 0)
