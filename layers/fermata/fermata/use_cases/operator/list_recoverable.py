"""List the songs that can be redelivered, and their cost to the operator."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from fermata.domain.finish.recoverable_list import DEFAULT_LIMIT, Place, PlaceOf, entry, place_of, totals
from fermata.domain.finish.rescue import Recoverable, recoverables
from fermata.domain.jobs.job import Job
from fermata.errors import FieldError, InvalidRequestError
from fermata.ports.jobs import JobStore, RecoverableJobs


@dataclass(frozen=True)
class RecoverablePorts:
    """Ports of `list_recoverable`."""

    jobs: JobStore
    recoverable: RecoverableJobs


def list_recoverable(
    providers: Sequence[str], limit: int | None, cursor: str | None, ports: RecoverablePorts, now: datetime
) -> dict[str, JsonValue]:
    """One page, by provider and then by the job's end, oldest first: an entry for each paid attempt with songs that are
    in staging or still being fetched, and the totals of this page. Only the last page has a null `next_cursor`; others
    may be short or even empty.

    Raises `InvalidRequestError` for a cursor of another list, and `TransientError`.
    """
    begin = PlaceOf(providers[0]) if cursor is None else place_of(cursor)
    if begin is None or begin.provider not in providers:
        message = "must be the next_cursor of a page of this list, with the same provider"
        raise InvalidRequestError([FieldError("/cursor", message)])
    places, goes_on = _places(providers, begin, limit or DEFAULT_LIMIT, ports.recoverable)
    rows = _rows(places, ports.jobs, now)
    return {
        "recoverable": [entry(job, found) for job, found in rows],
        "totals": totals(rows),
        "next_cursor": goes_on.as_cursor() if goes_on is not None else None,
    }


def first_recoverable(
    providers: Sequence[str], ports: RecoverablePorts, now: datetime
) -> tuple[dict[str, JsonValue], bool]:
    """The totals of the first page, and whether there are more pages. Raises `TransientError`."""
    places, goes_on = _places(providers, PlaceOf(providers[0]), DEFAULT_LIMIT, ports.recoverable)
    return totals(_rows(places, ports.jobs, now)), goes_on is not None


def _places(
    providers: Sequence[str], begin: PlaceOf, limit: int, recoverable: RecoverableJobs
) -> tuple[list[Place], PlaceOf | None]:
    """The places of a page, and where the next one begins."""
    places: list[Place] = []
    after = begin.after
    for provider in providers[providers.index(begin.provider) :]:
        found = recoverable.find(provider, limit - len(places), after)
        places += found
        if len(places) == limit:
            return places, PlaceOf(provider, places[-1])
        after = None
    return places, None


def _rows(places: Sequence[Place], jobs: JobStore, now: datetime) -> list[tuple[Job, Recoverable]]:
    """The attempts at these places that can still be redelivered."""
    loaded = jobs.load_all(list(dict.fromkeys(place.job_id for place in places)))
    found = {(job.id, each.attempt.number): (job, each) for job in loaded for each in recoverables(job)}
    rows = (found.get((place.job_id, place.attempt)) for place in places)
    return [row for row in rows if row is not None and now < row[1].kept_until]
