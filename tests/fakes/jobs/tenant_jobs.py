"""A fake of the tenant jobs."""

from fermata.domain.lists.page import PageOfIds, PageRequest
from tests.fakes.jobs.job_store import InMemoryJobStore


class InMemoryTenantJobs:
    """Finds by looking at every row of a store."""

    def __init__(self, store: InMemoryJobStore) -> None:
        self.store = store

    def find(self, page: PageRequest) -> PageOfIds:
        jobs = self.store.load_all(sorted(self.store.rows, reverse=True))
        ids = [job.id for job in jobs if page.of.has(job) and (page.before is None or job.id < page.before)]
        taken = tuple(ids[: page.limit])
        return PageOfIds(taken, taken[-1] if len(ids) > page.limit else None)
