"""Show a tenant its jobs page by page, with links minted now."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from fermata.domain.job_lists import PageRequest, as_many_as_fit
from fermata.ports import TenantJobs
from fermata.use_cases.read_jobs import ShowPorts, show_job


@dataclass(frozen=True)
class ListPorts:
    """What `list_jobs` works with."""

    show: ShowPorts
    lists: TenantJobs


def list_jobs(page: PageRequest, api_url: str, ports: ListPorts, now: datetime) -> dict[str, JsonValue]:
    """One page of jobs as `show_job` shows each, newest first, and the cursor of the next."""
    found = ports.lists.find(page)
    # The index may be a moment behind the records.
    jobs = [job for job in ports.show.jobs.load_all(found.job_ids) if page.of.has(job)]
    shown = as_many_as_fit(show_job(job, api_url, ports.show, now) for job in jobs)
    next_before = found.next_before if len(shown) == len(jobs) else jobs[len(shown) - 1].id
    return {
        "data": [*shown],
        "next_cursor": None if next_before is None else page.of.cursor_after(next_before),
    }
