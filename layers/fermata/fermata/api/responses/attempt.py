"""A job's attempts."""

from typing import Annotated

from pydantic import Field

from fermata.api.responses.body import Body
from fermata.domain.jobs import attempt as attempts
from fermata.domain.jobs.job import Job
from fermata.domain.providers.failures import FailureClass, ProviderCharged
from fermata.domain.web.formats import Moment, rfc3339


class Attempt(Body):
    """One paid request to a provider. `raw_code` is the provider's own code of a failure, `upstream_id` its id of the
    task, `trace_id` the id by which its support finds the call. `provider_units` is how many units the provider itself
    counted (for speech: characters), null if it counts none.
    """

    number: Annotated[int, Field(ge=1)]
    provider: str
    model: str
    key_alias: str
    started_at: Moment
    finished_at: Moment | None
    provider_charged: ProviderCharged
    error_class: FailureClass | None
    raw_code: str | None
    upstream_id: str | None
    provider_units: Annotated[float, Field(ge=0)] | None
    trace_id: str | None

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
    next_cursor: str | None

    @classmethod
    def of(cls, job: Job) -> "AttemptList":
        """Every attempt of a job."""
        return cls.model_construct(data=[Attempt.of(attempt) for attempt in job.attempts], next_cursor=None)
