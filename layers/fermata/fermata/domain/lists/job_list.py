"""Which of a tenant's jobs a list has: by status, model, day and metadata."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.money.reports.day_pages import day_in
from fermata.domain.orders.job_id import first_id_of, is_job_id
from fermata.domain.web.cursors import cursor_of, place_in
from fermata.domain.web.metadata_names import METADATA
from fermata.errors import FieldError

_PREFIX: Final = "job_"
_EPOCH: Final = date(1970, 1, 1)
_LONGEST_MODEL: Final = 100
_LONGEST_NAME: Final = 40
_LONGEST_VALUE: Final = 500
_MOST_NAMES: Final = 16


@dataclass(frozen=True)
class JobList:
    """A list of a tenant's jobs: all, or those that fit every given filter. A job's day is that of its id, in UTC."""

    tenant_id: str
    status: JobStatus | None = None
    model: str | None = None
    first: date | None = None
    last: date | None = None
    metadata: tuple[tuple[str, str], ...] = ()

    @property
    def reads_orders(self) -> bool:
        """Whether only a job's order shows that it belongs to the list."""
        return self.model is not None or bool(self.metadata)

    @property
    def lowest_id(self) -> str:
        """A text before every id of the list, and after every older id."""
        return _PREFIX if self.first is None else _PREFIX + first_id_of(_midnight(self.first))

    @property
    def highest_id(self) -> str:
        """A text after every id of the list, and before every newer id."""
        if self.last is None or self.last == date.max:
            return f"{_PREFIX}~"
        return _PREFIX + first_id_of(_midnight(self.last + timedelta(days=1)))

    def has(self, job: Job) -> bool:
        """Whether a job belongs to the list; a deleted one belongs to none."""
        in_status = self.status is None or job.status is self.status
        in_time = self.lowest_id <= job.id < self.highest_id
        is_shown = job.tenant_id == self.tenant_id and job.deleted_at is None
        return is_shown and in_status and in_time and self.fits(job.ordered_model, job.request.metadata)

    def fits(self, model: str, metadata: Mapping[str, str]) -> bool:
        """Whether an order of this model with this metadata is one of the list's."""
        in_model = self.model is None or model == self.model
        return in_model and all(metadata.get(name) == value for name, value in self.metadata)

    def cursor_after(self, job_id: str) -> str:
        """The cursor of the jobs older than this one."""
        return cursor_of(job_id.removeprefix(_PREFIX), *self._binding())

    def place_of(self, cursor: str) -> str | None:
        """The job id in a cursor of this list, or None for any other text."""
        place = place_in(cursor, *self._binding())
        job_id = f"{_PREFIX}{place}"
        return job_id if place is not None and is_job_id(job_id) else None

    def _binding(self) -> tuple[object, ...]:
        """What a cursor belongs to. JSON keeps apart what texts of callers would run together."""
        days = [None if day is None else day.isoformat() for day in (self.first, self.last)]
        filters = [self.model, *days, sorted(self.metadata)]
        return self.tenant_id, self.status, *([json.dumps(filters)] if any(filters) else [])


def parse_job_list(tenant_id: str, parameters: Mapping[str, str], wrong: list[FieldError]) -> JobList:
    """The list that `status`, `model`, `from`, `to` and `metadata.NAME` ask for; each wrong one is added to `wrong`."""
    status, model = parameters.get("status"), parameters.get("model")
    names = [name for name in parameters if name.startswith(METADATA)]
    wrong += [*_wrong_status(status), *_wrong_model(model), *_wrong_metadata(names, parameters)]
    first, last = _days(parameters, wrong)
    metadata = tuple((name.removeprefix(METADATA), parameters[name]) for name in names)
    return JobList(tenant_id, JobStatus(status) if status in set(JobStatus) else None, model, first, last, metadata)


def _days(parameters: Mapping[str, str], wrong: list[FieldError]) -> tuple[date | None, date | None]:
    first, last = (day_in(name, parameters, _EPOCH, wrong) if name in parameters else None for name in ("from", "to"))
    if first and last and first > last and not wrong:
        wrong.append(FieldError("/from", f"must not be later than to, which is {last}"))
    return first, last


def _wrong_status(status: str | None) -> Iterator[FieldError]:
    if status is not None and status not in set(JobStatus):
        yield FieldError("/status", "must be one of " + ", ".join(JobStatus))


def _wrong_model(model: str | None) -> Iterator[FieldError]:
    if model is not None and not 0 < len(model) <= _LONGEST_MODEL:
        yield FieldError(
            "/model", f"must be a model's id of 1 to {_LONGEST_MODEL} characters, as a job's `model` has it"
        )


def _wrong_metadata(names: list[str], parameters: Mapping[str, str]) -> Iterator[FieldError]:
    if len(names) > _MOST_NAMES:
        yield FieldError("/metadata", f"must be at most {_MOST_NAMES} names, as many as a job has; found {len(names)}")
    for name in names[:_MOST_NAMES]:
        if not 0 < len(name.removeprefix(METADATA)) <= _LONGEST_NAME:
            yield FieldError(f"/{name}", f"must have a name of 1 to {_LONGEST_NAME} characters after `{METADATA}`")
        elif len(parameters[name]) > _LONGEST_VALUE:
            yield FieldError(f"/{name}", f"must be at most {_LONGEST_VALUE} characters, as a value of metadata is")


def _midnight(day: date) -> datetime:
    """The beginning of a day in UTC; no id is older than 1970."""
    return datetime.combine(max(day, _EPOCH), datetime.min.time(), UTC)
