"""List a tenant's jobs page by page, with fresh links."""

from dataclasses import dataclass
from datetime import datetime

from fermata.domain.lists.page import PageOfJobs, PageRequest
from fermata.ports.jobs import TenantJobs
from fermata.use_cases.orders.read_jobs import ShowPorts, show_job


@dataclass(frozen=True)
class ListPorts:
    """Ports of `list_jobs`."""

    show: ShowPorts
    lists: TenantJobs


def list_jobs(page: PageRequest, ports: ListPorts, now: datetime) -> PageOfJobs:
    """One page of jobs as `show_job` shows each, newest first, and the position of the next page."""
    found = ports.lists.find(page)
    # The index may be a moment behind the records.
    jobs = [job for job in ports.show.jobs.load_all(found.job_ids) if page.of.has(job)]
    return PageOfJobs(page.of, tuple(show_job(job, ports.show, now) for job in jobs), found.next_before)
