"""A tenant's webhook endpoint."""

from typing import Annotated, Literal

from pydantic import Field

from fermata.api.responses.body import Body, Url
from fermata.domain.web.formats import Moment, rfc3339
from fermata.domain.webhooks.delivery import Answered, NoAnswer, NotAnswered
from fermata.domain.webhooks.endpoint_view import EndpointTest, EndpointView, RotatedSecret


class Webhook(Body):
    """Where webhooks are posted."""

    object: Literal["webhook"]
    """What this is."""
    url: Url | None
    """Where webhooks are posted; null if nowhere."""
    disabled_at: Moment | None
    """When the receiver answered 410, in UTC, after which nothing is posted until the endpoint is set again; null while
    it is on.
    """
    has_secret: bool
    """Whether webhooks can be signed."""

    @classmethod
    def of(cls, view: EndpointView) -> "Webhook":
        """The endpoint as it is shown to its tenant."""
        endpoint = view.endpoint
        return cls.model_construct(
            object="webhook",
            url=endpoint.url if endpoint else None,
            disabled_at=rfc3339(endpoint.disabled_at) if endpoint else None,
            has_secret=endpoint is not None,
        )


class SetWebhook(Webhook):
    """The endpoint that was set."""

    secret: str | None
    """The tenant's first signing secret, which no other answer shows; null for a tenant that had one."""

    @classmethod
    def of(cls, view: EndpointView) -> "SetWebhook":
        """The answer to the request that set the endpoint."""
        shown = Webhook.of(view)
        return cls.model_construct(
            object=shown.object,
            url=shown.url,
            disabled_at=shown.disabled_at,
            has_secret=shown.has_secret,
            secret=view.secret,
        )


class WebhookSecret(Body):
    """A new signing secret."""

    object: Literal["webhook_secret"]
    """What this is."""
    secret: str
    """The new signing secret, which no other answer shows."""
    previous_until: Moment | None
    """Until when the previous secret also signs, in UTC; null if there was none."""

    @classmethod
    def of(cls, rotated: RotatedSecret) -> "WebhookSecret":
        """The answer to the request that made the secret."""
        until = rfc3339(rotated.previous_until)
        return cls.model_construct(object="webhook_secret", secret=rotated.secret, previous_until=until)


class WebhookTest(Body):
    """One test message and what the receiver answered."""

    object: Literal["webhook_test"]
    """What this is."""
    webhook_id: str
    """The id of the message, its header `webhook-id`."""
    origin: Url
    """Scheme, host and port of the receiver."""
    delivered: bool
    """Whether the receiver answered with a 2xx."""
    status_code: int | None
    """The HTTP status of the receiver's answer; null if there was none."""
    error: Annotated[str, Field(json_schema_extra={"enum": [each.value for each in NoAnswer]})] | None
    """Why there was no answer; null if there was one."""
    duration_ms: Annotated[int, Field(ge=0)]
    """The time until the answer, or until it was given up, in milliseconds."""
    advice: str
    """What to do now, in a sentence."""

    @classmethod
    def of(cls, test: EndpointTest) -> "WebhookTest":
        """What a test found."""
        reply = test.reply
        return cls.model_construct(
            object="webhook_test",
            webhook_id=test.webhook_id,
            origin=test.origin,
            delivered=test.is_delivered,
            status_code=reply.status_code if isinstance(reply, Answered) else None,
            error=reply.reason if isinstance(reply, NotAnswered) else None,
            duration_ms=test.duration_ms,
            advice=test.advice,
        )
