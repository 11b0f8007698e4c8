"""Where the ends of jobs are posted, and the secret that signs the posts."""

from datetime import datetime

from pydantic import Field

from fermata_client.models.answer import Answer


class Webhook(Answer):
    """The endpoint. `url` is None where nothing is posted, `disabled_at` when a 410 switched it off."""

    url: str | None = None
    disabled_at: datetime | None = None
    has_secret: bool


class SetWebhook(Webhook):
    """The endpoint that was set. `secret` is the account's first one, and None for an account that has one."""

    secret: str | None = Field(default=None, repr=False)


class WebhookSecret(Answer):
    """A new secret, shown once. The previous one signs, too, until `previous_until`."""

    secret: str = Field(repr=False)
    previous_until: datetime | None = None


class WebhookTest(Answer):
    """A signed message that was posted, and what came of it; `advice` says what to do."""

    webhook_id: str
    origin: str
    delivered: bool
    status_code: int | None = None
    error: str | None = None
    duration_ms: int
    advice: str
