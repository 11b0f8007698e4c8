"""A fake of the due jobs."""

import json
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from fermata.domain.jobs.job import Job
from tests.fakes.jobs.job_store import InMemoryJobStore


@lru_cache(maxsize=1024)
def _check_at(row: str) -> datetime | None:
    """Without the rest of the row, which may be broken."""
    at = json.loads(row)["check_at"]
    return None if at is None else datetime.fromisoformat(at)


class InMemoryDueJobs:
    """Finds by looking at every row of a store."""

    def __init__(self, store: InMemoryJobStore) -> None:
        self.store = store

    def find(self, now: datetime) -> Iterator[str]:
        due = {job_id: _check_at(row) for job_id, row in self.store.rows.items()}
        yield from [job_id for job_id, check_at in due.items() if check_at is not None and check_at <= now]

    def open_jobs(self, after: str | None = None) -> Iterator[tuple[str, str]]:
        for job_id, row in sorted(self.store.rows.items()):
            if json.loads(row)["finished_at"] is None and (after is None or job_id > after):
                yield job_id, job_id

    def put_off(self, job: Job, until: datetime, absent_since: datetime | None) -> None:
        # Not by `load`: where calls of the store are places at which something happens, this is one call and no two.
        row = self.store.rows.get(job.id)
        stored = None if row is None else Job.model_validate_json(row)
        if stored is not None and stored.version == job.version and stored.check_at is not None:
            changes = {"check_at": until, "absent_since": absent_since}
            self.store.rows[job.id] = stored.model_copy(update=changes).model_dump_json()

    def put_off_unread(self, job_id: str, until: datetime, now: datetime) -> None:
        row = self.store.rows.get(job_id)
        check_at = None if row is None else _check_at(row)
        if row is not None and check_at is not None and check_at <= now:
            later = {**json.loads(row), "check_at": until.isoformat()}
            self.store.rows[job_id] = json.dumps(later)
