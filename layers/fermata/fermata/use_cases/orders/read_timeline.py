"""Show a tenant what happened to one of its jobs, and when."""

from dataclasses import dataclass

from fermata.domain.lists.timeline import TimelineEntry, timeline_of
from fermata.ports.jobs import JobStore
from fermata.ports.webhooks import WebhookDeliveries
from fermata.use_cases.orders.read_jobs import find_job


@dataclass(frozen=True)
class TimelinePorts:
    """Ports of `read_timeline`."""

    jobs: JobStore
    deliveries: WebhookDeliveries


def read_timeline(job_id: str, tenant_id: str, ports: TimelinePorts) -> list[TimelineEntry]:
    """The moments of the tenant's job, oldest first; raises `NotFoundError` as `find_job` does."""
    job = find_job(job_id, tenant_id, ports.jobs)
    return timeline_of(job, ports.deliveries.of(job.id))
