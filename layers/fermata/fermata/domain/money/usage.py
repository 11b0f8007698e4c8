"""A tenant's usage, by model and by the UTC day on which jobs ended; the basis of a bill."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from fermata.domain.catalogue.units import Unit, in_units
from fermata.domain.finish.events import JobEvent
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import Charged
from fermata.domain.web.formats import rfc3339
from fermata.errors import FieldError, InvalidRequestError

LONGEST_SPAN_DAYS: Final = 92
DEFAULT_LIMIT: Final = 100
LONGEST_LIMIT: Final = 1000

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LIMIT: Final = re.compile(r"[0-9]{1,4}")
_CHECK_CHARACTERS: Final = 12


class Usage(BaseModel):
    """Jobs of one tenant that ended on a day with one (last) model: their number, how many succeeded, the spent
    credits, the delivered units in thousandths of the model's unit, and the length of the audio in ms.
    """

    model_config = ConfigDict(frozen=True)

    tenant_id: str
    day: date
    model: str
    jobs: PositiveInt
    succeeded: NonNegativeInt
    credits: NonNegativeInt
    unit: Unit = "song"
    unit_thousandths: NonNegativeInt = 0
    audio_ms: NonNegativeInt

    @property
    def units(self) -> float:
        """The delivered units."""
        return in_units(self.unit_thousandths, 1000)

    @property
    def place(self) -> str:
        """Its sort position among the tenant's usage."""
        return f"{self.day}#{self.model}"

    def plus(self, more: "Usage") -> "Usage":
        """The sum of two usages of the same day and model."""
        fields = ("jobs", "succeeded", "credits", "unit_thousandths", "audio_ms")
        return self.model_copy(update={name: getattr(self, name) + getattr(more, name) for name in fields})


@dataclass(frozen=True)
class UsageList:
    """A tenant's usage on the days from `first` to `last`, inclusive."""

    tenant_id: str
    first: date
    last: date

    def cursor_after(self, place: str) -> str:
        """The cursor after a place. It needs no secret; its checksum detects a cursor of another list."""
        about = f"{self.tenant_id}\n{self.first}\n{self.last}\n{place}".encode()
        text = hashlib.sha256(about).hexdigest()[:_CHECK_CHARACTERS] + place
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def place_of(self, cursor: str) -> str | None:
        """The place in a cursor of this list, or None for any other text."""
        try:
            place = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()[_CHECK_CHARACTERS:]
        except (binascii.Error, ValueError):
            return None
        return place if self.cursor_after(place) == cursor else None


@dataclass(frozen=True)
class UsagePage:
    """One page of a list: at most `limit` entries after the place `after`."""

    of: UsageList
    limit: int = DEFAULT_LIMIT
    after: str | None = None


def usage_of(job: Job) -> Usage:
    """The usage that a job's end adds."""
    if job.finished_at is None:
        raise AssertionError(f"a {job.status} job has not ended and counts nothing")
    delivered = job.charged is Charged.YES
    return Usage(
        tenant_id=job.tenant_id,
        day=job.finished_at.date(),
        model=job.candidate.model,
        jobs=1,
        succeeded=int(delivered),
        credits=job.spent_credits,
        unit=job.candidate.unit,
        unit_thousandths=round((job.units or 0) * 1000) if delivered else 0,
        audio_ms=sum(track.duration_ms for track in job.tracks) if delivered else 0,
    )


def usage_event(job: Job) -> JobEvent:
    """The usage event of a job's end for billing systems, with the same id in every repetition. It omits the units
    and the length of the audio if the job is deleted.
    """
    usage = usage_of(job)
    return JobEvent(
        "Usage Recorded",
        {
            "event_id": f"{job.id}.usage",
            "job_id": job.id,
            "tenant_id": job.tenant_id,
            "day": str(usage.day),
            "model": usage.model,
            "status": job.status.value,
            "charged": job.charged.value,
            "credits": usage.credits,
            "unit": usage.unit,
            "units": usage.units if job.deleted_at is None else None,
            "audio_ms": usage.audio_ms if job.deleted_at is None else None,
            "finished_at": rfc3339(job.finished_at),
        },
    )


def parse_usage_page(tenant_id: str, parameters: Mapping[str, str], now: datetime) -> UsagePage:
    """The page that `from`, `to`, `limit` and `cursor` request. `to` defaults to today, `from` to the first day of that
    month. Raises `InvalidRequestError` naming each wrong parameter.
    """
    wrong: list[FieldError] = []
    last = _day("to", parameters, now.date(), wrong)
    first = _day("from", parameters, last.replace(day=1), wrong)
    wrong += [*_wrong_span(first, last), *_wrong_limit(parameters.get("limit"))]
    if wrong:
        raise InvalidRequestError(wrong)
    of, cursor = UsageList(tenant_id, first, last), parameters.get("cursor")
    after = None if cursor is None else of.place_of(cursor)
    if cursor is not None and after is None:
        message = "must be the next_cursor of a page of this list: the same tenant's, with the same from and to"
        raise InvalidRequestError([FieldError("/cursor", message)])
    return UsagePage(of, int(parameters.get("limit", DEFAULT_LIMIT)), after)


def _day(name: str, parameters: Mapping[str, str], default: date, wrong: list[FieldError]) -> date:
    """The day of a parameter, or the default; an invalid day is added to `wrong`."""
    text = parameters.get(name)
    if text is None:
        return default
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    wrong.append(FieldError(f"/{name}", "must be a day, such as 2026-11-21"))
    return default


def _wrong_span(first: date, last: date) -> Iterator[FieldError]:
    if first > last:
        yield FieldError("/from", f"must not be later than to, which is {last}")
    elif last - first >= timedelta(days=LONGEST_SPAN_DAYS):
        yield FieldError("/from", f"must make at most {LONGEST_SPAN_DAYS} days with to, which is {last}")


def _wrong_limit(limit: str | None) -> Iterator[FieldError]:
    if limit is not None and not (_LIMIT.fullmatch(limit) and 1 <= int(limit) <= LONGEST_LIMIT):
        yield FieldError("/limit", f"must be a whole number from 1 to {LONGEST_LIMIT}")
