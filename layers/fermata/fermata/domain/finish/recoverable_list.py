"""The operator's list of attempts that can be redelivered, by provider and by the end of their jobs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import JsonValue

from fermata.domain.finish.rescue import Recoverable
from fermata.domain.jobs.job import Job
from fermata.domain.web.cursors import cursor_of, place_in
from fermata.domain.web.formats import rfc3339, usd

DEFAULT_LIMIT: Final = 20
LONGEST_LIMIT: Final = 50


@dataclass(frozen=True, order=True)
class Place:
    """The position of an attempt in its provider's list."""

    ended_at: datetime
    job_id: str
    attempt: int


@dataclass(frozen=True)
class PlaceOf:
    """The start of a page: after a place in a provider's list, or at its beginning."""

    provider: str
    after: Place | None = None

    def as_cursor(self) -> str:
        """This start as an opaque cursor."""
        after = self.after
        rest = ["", "", ""] if after is None else [after.ended_at.isoformat(), after.job_id, str(after.attempt)]
        return cursor_of("\n".join([self.provider, *rest]))


def place_of(cursor: str) -> PlaceOf | None:
    """The start that a cursor encodes, or None for any other text."""
    found = place_in(cursor)
    if found is None:
        return None
    provider, ended_at, job_id, attempt = found.split("\n")
    return PlaceOf(provider, Place(datetime.fromisoformat(ended_at), job_id, int(attempt)) if job_id else None)


def listed_at(job: Job, attempt: int) -> Place:
    """The place of an ended job's attempt."""
    return Place(job.finished_at or job.updated_at, job.id, attempt)


def entry(job: Job, found: Recoverable) -> dict[str, JsonValue]:
    """One attempt as the operator sees it: songs by their numbers, and the provider's price in USD."""
    model = job.candidates[found.attempt.candidate]
    return {
        "job_id": job.id,
        "attempt": found.attempt.number,
        "tenant_id": job.tenant_id,
        "model": model.model,
        "provider": found.attempt.provider,
        "status": job.status.value,
        "ended_at": rfc3339(job.finished_at),
        "songs_kept": [*found.staged],
        "songs_unreadable": [*found.odd],
        "songs_still_fetched": [*found.left],
        "cost_usd": usd(found.attempt.cost_micro_usd),
        "kept_until": rfc3339(found.kept_until),
    }


def totals(rows: Sequence[tuple[Job, Recoverable]]) -> dict[str, JsonValue]:
    """The totals of one page's entries."""
    return {
        "jobs": len({job.id for job, _ in rows}),
        "songs_kept": sum(len(found.staged) for _, found in rows),
        "songs_still_fetched": sum(len(found.left) for _, found in rows),
        "cost_usd": usd(sum(found.attempt.cost_micro_usd for _, found in rows)),
    }
