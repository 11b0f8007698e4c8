"""The delivery attempts of a job's webhook, and its replays."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from fermata.api.responses.body import Body, Url
from fermata.domain.web.formats import Moment, rfc3339
from fermata.domain.webhooks import delivery
from fermata.domain.webhooks.delivery import NoAnswer, Outcome, StartedReplay


class WebhookAttempt(Body):
    """One try to deliver a job's webhook, the `number`-th of its delivery. `replay` is 0 for the delivery at the job's
    end; requested deliveries count from 1. `status_code` is the answer of the receiver at `origin`, `error` the reason
    if there was none.
    """

    replay: Annotated[int, Field(ge=0)]
    number: Annotated[int, Field(ge=1)]
    at: Moment
    origin: Url
    outcome: Outcome
    status_code: int | None
    error: Annotated[str, Field(json_schema_extra={"enum": [each.value for each in NoAnswer]})] | None
    next_try_at: Moment | None

    @classmethod
    def of(cls, attempt: delivery.WebhookAttempt) -> "WebhookAttempt":
        """A try as shown to the job's owner."""
        return cls.model_construct(
            replay=attempt.replay,
            number=attempt.number,
            at=rfc3339(attempt.at),
            origin=attempt.origin,
            outcome=attempt.outcome,
            status_code=attempt.status_code,
            error=attempt.error,
            next_try_at=rfc3339(attempt.next_try_at),
        )


class WebhookAttemptList(Body):
    """The tries to deliver a job's webhook, oldest delivery first."""

    data: list[WebhookAttempt]
    next_cursor: str | None

    @classmethod
    def of(cls, attempts: Iterable[delivery.WebhookAttempt]) -> "WebhookAttemptList":
        """Every try on one page."""
        return cls.model_construct(data=[WebhookAttempt.of(attempt) for attempt in attempts], next_cursor=None)


class WebhookReplay(Body):
    """Another delivery, which has started, to the receiver at `origin`."""

    object: Literal["webhook_replay"]
    webhook_id: str
    replay: Annotated[int, Field(ge=1)]
    origin: Url

    @classmethod
    def of(cls, started: StartedReplay) -> "WebhookReplay":
        """The answer for a started replay."""
        return cls.model_construct(
            object="webhook_replay", webhook_id=started.webhook_id, replay=started.replay, origin=started.origin
        )
