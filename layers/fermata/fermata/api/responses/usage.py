"""A tenant's usage."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from fermata.api.responses.body import Body, Credits, Units
from fermata.domain.catalogue.units import Unit
from fermata.domain.jobs.status import JobStatus
from fermata.domain.money.reports.usage_groups import UsageGroup
from fermata.domain.money.reports.usage_log import UsageLine
from fermata.domain.money.usage import Usage
from fermata.domain.web.formats import JobId, Moment, rfc3339

# A default would stand in the schema; a factory does not.
_MAY_BE_ABSENT: Any = Field(default_factory=lambda: None)


class UsageEntry(Body):
    """Jobs that ended, in one group: on a day and by their last model, or as `group_by` asks. Only what was asked for
    is there. `key_id` is null for jobs that no API key ordered. `metadata` has one name, with null for jobs that lack
    it or were deleted. `audio_ms` is the total length of their songs. `units` of `unit` were delivered, each job's
    rounded to a thousandth; days before they were counted have 0.
    """

    day: date | SkipJsonSchema[None] = _MAY_BE_ABSENT
    model: str | SkipJsonSchema[None] = _MAY_BE_ABSENT
    key_id: str | None = _MAY_BE_ABSENT
    metadata: dict[str, str | None] | SkipJsonSchema[None] = _MAY_BE_ABSENT
    jobs: Annotated[int, Field(ge=1)]
    succeeded: Annotated[int, Field(ge=0)]
    credits: Credits
    audio_ms: Annotated[int, Field(ge=0)]
    units: Units
    unit: Unit

    @classmethod
    def of(cls, usage: Usage | UsageGroup) -> "UsageEntry":
        """The entry of one group, without the tenant's id."""
        return cls.model_construct(
            **_group(usage),
            jobs=usage.jobs,
            succeeded=usage.succeeded,
            credits=usage.credits,
            audio_ms=usage.audio_ms,
            units=usage.units,
            unit=usage.unit,
        )


class UsageList(Body):
    """A page of usage."""

    data: list[UsageEntry]
    next_cursor: str | None

    @classmethod
    def of(cls, found: Iterable[Usage | UsageGroup], next_cursor: str | None) -> "UsageList":
        """One page, and the cursor of the next."""
        return cls.model_construct(data=[UsageEntry.of(usage) for usage in found], next_cursor=next_cursor)


class UsageLogEntry(Body):
    """One job that ended. `key_id` is the API key that ordered it, null if none did. `credits` are what was spent,
    `units` of `unit` what was delivered. `metadata` is null once the job was deleted.
    """

    finished_at: Moment
    job_id: JobId
    key_id: str | None
    model: str
    status: JobStatus
    credits: Credits
    units: Units
    unit: Unit
    audio_ms: Annotated[int, Field(ge=0)]
    created_at: Moment
    metadata: dict[str, str] | None

    @classmethod
    def of(cls, line: UsageLine) -> "UsageLogEntry":
        """One line, without the tenant's id and the operator's costs."""
        return cls.model_construct(
            finished_at=rfc3339(line.finished_at),
            job_id=line.job_id,
            key_id=line.key_id,
            model=line.model,
            status=line.status,
            credits=line.credits,
            units=line.units,
            unit=line.unit,
            audio_ms=line.audio_ms,
            created_at=rfc3339(line.created_at),
            metadata=None if line.metadata is None else dict(line.metadata),
        )


class UsageLog(Body):
    """A page of the jobs that ended."""

    data: list[UsageLogEntry]
    next_cursor: str | None

    @classmethod
    def of(cls, lines: Iterable[UsageLine], next_cursor: str | None) -> "UsageLog":
        """One page, and the cursor of the next."""
        return cls.model_construct(data=[UsageLogEntry.of(line) for line in lines], next_cursor=next_cursor)


def _group(usage: Usage | UsageGroup) -> dict[str, Any]:
    """What an entry is the usage of."""
    if isinstance(usage, Usage):
        return {"day": usage.day, "model": usage.model}
    values: dict[str, Any] = {"day": usage.day, "model": usage.model, "key": usage.key_id}
    asked = {"key_id" if name == "key" else name: values[name] for name in usage.names if name in values}
    return asked if usage.metadata is None else {**asked, "metadata": dict([usage.metadata])}
