"""A job's attempts, and what happened to it."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from fermata.api.responses.body import Body
from fermata.domain.jobs import attempt as attempts
from fermata.domain.jobs.job import Job
from fermata.domain.lists import timeline
from fermata.domain.lists.timeline import What
from fermata.domain.providers.failures import FailureClass, ProviderCharged
from fermata.domain.web.formats import Moment, rfc3339


class Attempt(Body):
    """One paid request to a provider."""

    number: Annotated[int, Field(ge=1)]
    """Its place among the job's attempts, from 1."""
    provider: str
    """The provider that was asked."""
    model: str
    """The provider's own name of the model."""
    key_alias: str
    """The operator's name for the provider key that was used."""
    started_at: Moment
    """When the request was claimed, in UTC."""
    finished_at: Moment | None
    """When its outcome was known, in UTC; null before that."""
    provider_charged: ProviderCharged
    """Whether the provider billed the operator."""
    error_class: FailureClass | None
    """What kind of failure it was; null without one."""
    raw_code: str | None
    """The provider's own code of the failure; null without one."""
    upstream_id: str | None
    """The provider's id of the task; null if it gave none."""
    provider_units: Annotated[float, Field(ge=0)] | None
    """How many units the provider counted itself, in its own unit; null if it counts none."""
    trace_id: str | None
    """The id by which the provider's support finds the call; null if it gave none."""

    @classmethod
    def of(cls, attempt: attempts.Attempt) -> "Attempt":
        """The attempt, its provider and whether that charged."""
        failure = attempt.failure
        return cls.model_construct(
            number=attempt.number,
            provider=attempt.provider,
            model=attempt.model,
            key_alias=attempt.key_alias,
            started_at=rfc3339(attempt.started_at),
            finished_at=rfc3339(attempt.finished_at),
            provider_charged=attempt.provider_charged,
            error_class=failure.failure_class if failure else None,
            raw_code=failure.code if failure else None,
            upstream_id=attempt.upstream_id,
            provider_units=None if attempt.provider_units is None else float(attempt.provider_units),
            trace_id=attempt.support_id,
        )


class AttemptList(Body):
    """A job's attempts, oldest first."""

    data: list[Attempt]
    """The attempts, oldest first."""
    next_cursor: str | None
    """Always null: the list has one page."""

    @classmethod
    def of(cls, job: Job) -> "AttemptList":
        """Every attempt of a job."""
        return cls.model_construct(data=[Attempt.of(attempt) for attempt in job.attempts], next_cursor=None)


class TimelineEntry(Body):
    """One moment of a job."""

    at: Moment
    """When it happened, in UTC."""
    what: What
    """What happened. More words may come."""
    detail: str
    """What happened, in a sentence."""


class Timeline(Body):
    """The moments of a job, oldest first."""

    data: list[TimelineEntry]
    """The moments, oldest first."""
    next_cursor: str | None
    """Always null: the list has one page."""

    @classmethod
    def of(cls, entries: Iterable[timeline.TimelineEntry]) -> "Timeline":
        """Every moment on one page."""
        data = [
            TimelineEntry.model_construct(at=rfc3339(each.at), what=each.what, detail=each.detail) for each in entries
        ]
        return cls.model_construct(data=data, next_cursor=None)
