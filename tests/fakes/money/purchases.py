"""A fake of the purchases."""

from collections.abc import Callable
from datetime import datetime

from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.job import Job
from tests.fakes.jobs.job_store import InMemoryJobStore


class InMemoryPurchases:
    """Finds by looking at every row of a store."""

    def __init__(self, store: InMemoryJobStore) -> None:
        self.store = store

    def with_unknown_outcome(self, provider: str) -> list[str]:
        return self._jobs(provider, lambda attempt: attempt.has_unknown_outcome)

    def with_known_outcome(self, provider: str, since: datetime, until: datetime, most: int) -> list[str]:
        def is_meant(attempt: Attempt) -> bool:
            certain = attempt.may_be_billed and not attempt.has_unknown_outcome
            return certain and since <= attempt.started_at <= until

        return self._jobs(provider, is_meant)[:most]

    def _jobs(self, provider: str, is_meant: Callable[[Attempt], bool]) -> list[str]:
        jobs = [Job.model_validate_json(row) for row in self.store.rows.values()]
        attempts = [(each, job.id) for job in jobs for each in job.attempts if each.provider == provider]
        meant = sorted((each.started_at, job_id) for each, job_id in attempts if is_meant(each))
        return list(dict.fromkeys(job_id for _, job_id in meant))
