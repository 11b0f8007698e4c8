"""Begin the delivery of a job's end to whoever wants to hear of it."""

from dataclasses import dataclass

from fermata.domain.jobs.job import Job
from fermata.domain.webhooks.message import delivery_name, receiver_of
from fermata.ports.webhooks import WebhookMachine, WebhookStore


@dataclass(frozen=True)
class TellPorts:
    """What deliveries are begun with."""

    webhooks: WebhookStore
    machine: WebhookMachine


def tell_by_webhook(job: Job, ports: TellPorts) -> None:
    """Begin a finished job's delivery, unless it was begun before or nobody listens; raises `TransientError`.

    What becomes of the delivery never touches the job.
    """
    if receiver_of(job, ports.webhooks.find(job.tenant_id)) is not None:
        ports.machine.start(delivery_name(job, 0), job.id, 0)
