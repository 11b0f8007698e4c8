"""Lists of a tenant's jobs, newest first: query parameters, pages and cursors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fermata.domain.jobs.view import JobView
from fermata.domain.lists.job_list import JobList, parse_job_list
from fermata.domain.web.cursors import wrong_limit
from fermata.errors import FieldError, InvalidRequestError

DEFAULT_LIMIT: Final = 20
LONGEST_LIMIT: Final = 100


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
    """The page that `limit`, `cursor` and the filters of `parse_job_list` request; raises `InvalidRequestError` naming
    each wrong parameter.
    """
    wrong: list[FieldError] = []
    of, limit, cursor = parse_job_list(tenant_id, parameters, wrong), parameters.get("limit"), parameters.get("cursor")
    before = None if cursor is None else of.place_of(cursor)
    wrong += wrong_limit(limit, LONGEST_LIMIT)
    # A cursor belongs to its filters, so it can only be checked with valid ones.
    if not wrong and cursor is not None and before is None:
        message = "must be the next_cursor of a page of this list: the same tenant's, with the same filters"
        wrong.append(FieldError("/cursor", message))
    if wrong:
        raise InvalidRequestError(wrong)
    return PageRequest(of, DEFAULT_LIMIT if limit is None else int(limit), before)
