"""The delivery attempts of a job's webhook, and its replays."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from fermata.api.responses.body import Body, Url
from fermata.domain.web.formats import Moment, rfc3339
from fermata.domain.webhooks import delivery
from fermata.domain.webhooks.delivery import NoAnswer, Outcome, StartedReplay


class WebhookAttempt(Body):
    """One try to deliver a job's webhook."""

    replay: Annotated[int, Field(ge=0)]
    """0 for the delivery at the job's end; requested deliveries count from 1."""
    number: Annotated[int, Field(ge=1)]
    """Its place among the tries of its delivery, from 1."""
    at: Moment
    """When it was tried, in UTC."""
    origin: Url
    """Scheme, host and port of the receiver."""
    outcome: Outcome
    """What came of it; another try follows only after `failed`."""
    status_code: int | None
    """The HTTP status of the receiver's answer; null if there was none."""
    error: Annotated[str, Field(json_schema_extra={"enum": [each.value for each in NoAnswer]})] | None
    """Why there was no answer; null if there was one."""
    next_try_at: Moment | None
    """When it is tried again, in UTC; null if it is not."""

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
    """The tries, oldest delivery first."""
    next_cursor: str | None
    """Always null: the list has one page."""

    @classmethod
    def of(cls, attempts: Iterable[delivery.WebhookAttempt]) -> "WebhookAttemptList":
        """Every try on one page."""
        return cls.model_construct(data=[WebhookAttempt.of(attempt) for attempt in attempts], next_cursor=None)


class WebhookReplay(Body):
    """Another delivery, which has started."""

    object: Literal["webhook_replay"]
    """What this is."""
    webhook_id: str
    """The id of the message, its header `webhook-id`; the same at every delivery."""
    replay: Annotated[int, Field(ge=1)]
    """The number of this requested delivery, from 1."""
    origin: Url
    """Scheme, host and port of the receiver."""

    @classmethod
    def of(cls, started: StartedReplay) -> "WebhookReplay":
        """The answer for a started replay."""
        return cls.model_construct(
            object="webhook_replay", webhook_id=started.webhook_id, replay=started.replay, origin=started.origin
        )
