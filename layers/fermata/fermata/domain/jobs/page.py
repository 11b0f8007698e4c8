"""Lists of a tenant's jobs, newest first: query parameters, pages and cursors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.jobs.view import JobView
from fermata.domain.orders.job_id import is_job_id
from fermata.domain.web.cursors import cursor_of, place_in, wrong_limit
from fermata.errors import FieldError, InvalidRequestError

DEFAULT_LIMIT: Final = 20
LONGEST_LIMIT: Final = 100

_PREFIX: Final = "job_"


@dataclass(frozen=True)
class JobList:
    """A list of a tenant's jobs: all, or those of one status."""

    tenant_id: str
    status: JobStatus | None = None

    def has(self, job: Job) -> bool:
        """Whether a job belongs to the list; a deleted one belongs to none."""
        in_status = self.status is None or job.status is self.status
        return job.tenant_id == self.tenant_id and in_status and job.deleted_at is None

    def cursor_after(self, job_id: str) -> str:
        """The cursor of the jobs older than this one."""
        return cursor_of(job_id.removeprefix(_PREFIX), self.tenant_id, self.status)

    def place_of(self, cursor: str) -> str | None:
        """The job id in a cursor of this list, or None for any other text."""
        place = place_in(cursor, self.tenant_id, self.status)
        job_id = f"{_PREFIX}{place}"
        return job_id if place is not None and is_job_id(job_id) else None


@dataclass(frozen=True)
class PageRequest:
    """One page of a list: at most `limit` jobs, all older than the job `before`."""

    of: JobList
    limit: int = DEFAULT_LIMIT
    before: str | None = None


@dataclass(frozen=True)
class PageOfIds:
    """The ids on a page, newest first, and the id before which the next page starts, None on the last page. A page may
    be short, even empty, without being the last.
    """

    job_ids: tuple[str, ...]
    next_before: str | None


@dataclass(frozen=True)
class PageOfJobs:
    """The jobs on a page, newest first, and the id before which the next page starts, None on the last page."""

    of: JobList
    jobs: tuple[JobView, ...]
    next_before: str | None

    def cursor_after(self, shown: int) -> str | None:
        """The next page's cursor after the first `shown` of these jobs, or None at the end of the list."""
        before = self.next_before if shown == len(self.jobs) else self.jobs[shown - 1].job.id
        return None if before is None else self.of.cursor_after(before)


def parse_page_request(tenant_id: str, parameters: Mapping[str, str]) -> PageRequest:
    """The page that the query parameters `status`, `limit` and `cursor` request; raises `InvalidRequestError` naming
    each wrong one.
    """
    status, limit, cursor = (parameters.get(name) for name in ("status", "limit", "cursor"))
    of = JobList(tenant_id, JobStatus(status) if status in set(JobStatus) else None)
    before = None if cursor is None else of.place_of(cursor)
    wrong = list(_wrong(status, limit))
    # A cursor belongs to its status, so it can only be checked with a valid status.
    if not wrong and cursor is not None and before is None:
        message = "must be the next_cursor of a page of this list: the same tenant's, with the same status"
        wrong.append(FieldError("/cursor", message))
    if wrong:
        raise InvalidRequestError(wrong)
    return PageRequest(of, DEFAULT_LIMIT if limit is None else int(limit), before)


def _wrong(status: str | None, limit: str | None) -> Iterator[FieldError]:
    if status is not None and status not in set(JobStatus):
        yield FieldError("/status", "must be one of " + ", ".join(JobStatus))
    yield from wrong_limit(limit, LONGEST_LIMIT)
