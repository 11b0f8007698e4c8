"""A fake of the recoverable jobs."""

from fermata.domain.finish.recoverable_list import Place, listed_at
from fermata.domain.finish.rescue import recoverables
from fermata.domain.jobs.job import Job
from tests.fakes.jobs.job_store import InMemoryJobStore


class InMemoryRecoverableJobs:
    """Finds by looking at every row of a store."""

    def __init__(self, store: InMemoryJobStore) -> None:
        self.store = store

    def find(self, provider: str, limit: int, after: Place | None) -> list[Place]:
        jobs = [Job.model_validate_json(row) for row in self.store.rows.values()]
        places = sorted(
            listed_at(job, found.attempt.number)
            for job in jobs
            for found in recoverables(job)
            if job.rescue is not None and found.attempt.provider == provider
        )
        return [place for place in places if after is None or place > after][:limit]
