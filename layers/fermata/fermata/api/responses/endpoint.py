"""A tenant's webhook endpoint."""

from typing import Annotated, Literal

from pydantic import Field

from fermata.api.responses.body import Body, Url
from fermata.domain.web.formats import Moment, rfc3339
from fermata.domain.webhooks.delivery import Answered, NoAnswer, NotAnswered
from fermata.domain.webhooks.endpoint_view import EndpointTest, EndpointView, RotatedSecret


class Webhook(Body):
    """Where webhooks are posted; `url` is null if nowhere. `disabled_at` is when the receiver answered 410, after which
    nothing is posted there until the endpoint is set again. `has_secret` is whether webhooks can be signed.
    """

    object: Literal["webhook"]
    url: Url | None
    disabled_at: Moment | None
    has_secret: bool

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
    """The endpoint that was set. `secret` is the tenant's first one, which no other answer shows; null for a tenant
    that had one.
    """

    secret: str | None

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
    """A new secret, which no other answer shows. The previous one also signs until `previous_until`; null if there was
    none.
    """

    object: Literal["webhook_secret"]
    secret: str
    previous_until: Moment | None

    @classmethod
    def of(cls, rotated: RotatedSecret) -> "WebhookSecret":
        """The answer to the request that made the secret."""
        until = rfc3339(rotated.previous_until)
        return cls.model_construct(object="webhook_secret", secret=rotated.secret, previous_until=until)


class WebhookTest(Body):
    """One test message, posted to the receiver at `origin`. `status_code` is its answer, `error` the reason if there
    was none, `duration_ms` the time until then, and `advice` what to do now.
    """

    object: Literal["webhook_test"]
    webhook_id: str
    origin: Url
    delivered: bool
    status_code: int | None
    error: Annotated[str, Field(json_schema_extra={"enum": [each.value for each in NoAnswer]})] | None
    duration_ms: Annotated[int, Field(ge=0)]
    advice: str

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
