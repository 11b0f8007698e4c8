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


class UsageEntry(Body):
    """Jobs that ended, in one group: on a day and by their last model, or as `group_by` asks."""

    day: date | SkipJsonSchema[None] = None
    """The day in UTC on which the jobs ended; there only if `group_by` names it."""
    model: str | SkipJsonSchema[None] = None
    """The model that the jobs used last; there only if `group_by` names it."""
    key_id: str | None = None
    """The id of the key that ordered the jobs, null if none did; there only if `group_by` names `key`."""
    metadata: dict[str, str | None] | SkipJsonSchema[None] = None
    """The name of the metadata and the value that the jobs have, null for jobs without it or deleted ones; there only
    if `group_by` names it.
    """
    jobs: Annotated[int, Field(ge=1)]
    """How many jobs ended."""
    succeeded: Annotated[int, Field(ge=0)]
    """How many of them succeeded."""
    credits: Credits
    """The credits that were spent."""
    audio_ms: Annotated[int, Field(ge=0)]
    """The total length of their songs in milliseconds."""
    units: Units
    """How many units were delivered, each job's rounded to a thousandth; 0 for days before they were counted."""
    unit: Unit
    """What the model is sold by: an order's song, 1,000 Unicode code points of text, or a minute of audio."""

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
    """The groups, oldest day first."""
    next_cursor: str | None
    """The `cursor` of the next page; null on the last one."""

    @classmethod
    def of(cls, found: Iterable[Usage | UsageGroup], next_cursor: str | None) -> "UsageList":
        """One page, and the cursor of the next."""
        return cls.model_construct(data=[UsageEntry.of(usage) for usage in found], next_cursor=next_cursor)


class UsageLogEntry(Body):
    """One job that ended."""

    finished_at: Moment
    """When the job ended, in UTC."""
    job_id: JobId
    """The job's id."""
    key_id: str | None
    """The id of the key that ordered it; null if none did."""
    model: str
    """The model that the job used last."""
    status: JobStatus
    """How the job ended."""
    credits: Credits
    """The credits that were spent."""
    units: Units
    """How many units were delivered."""
    unit: Unit
    """What the model is sold by: an order's song, 1,000 Unicode code points of text, or a minute of audio."""
    audio_ms: Annotated[int, Field(ge=0)]
    """The total length of its songs in milliseconds."""
    created_at: Moment
    """When the order was accepted, in UTC."""
    metadata: dict[str, str] | None
    """The order's own names and values; null once the job was deleted."""

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
    """The jobs, oldest end first."""
    next_cursor: str | None
    """The `cursor` of the next page; null on the last one."""

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
