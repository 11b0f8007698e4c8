"""A tenant's webhook as the tenant sees it, and what a test of it found."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fermata.domain.web.http_status import SUCCESSES
from fermata.domain.webhooks.delivery import Answered, NoAnswer, Reply
from fermata.domain.webhooks.message import WebhookEndpoint


@dataclass(frozen=True)
class EndpointView:
    """The endpoint, None for a tenant without a secret; `secret` is the first one, in the answer that makes it."""

    endpoint: WebhookEndpoint | None
    secret: str | None = None


@dataclass(frozen=True)
class RotatedSecret:
    """A new secret, shown only in the answer to this request, and until when the previous one also signs; None if there
    was none.
    """

    secret: str
    previous_until: datetime | None


@dataclass(frozen=True)
class EndpointTest:
    """One post to a tenant's endpoint: the reply, and the milliseconds until it."""

    webhook_id: str
    origin: str
    reply: Reply
    duration_ms: int
    disabled_at: datetime | None

    @property
    def is_delivered(self) -> bool:
        """Whether a webhook with this reply would count as delivered."""
        return isinstance(self.reply, Answered) and self.reply.status_code in SUCCESSES

    @property
    def advice(self) -> str:
        """What the tenant can do now, in one or two sentences."""
        if not isinstance(self.reply, Answered):
            return _WITHOUT_ANSWER[self.reply.reason]
        if self.is_delivered:
            return _GOOD if self.disabled_at is None else _GOOD_BUT_OFF
        return _OF_STATUS.get(self.reply.status_code, _OTHER_STATUS)


_GOOD: Final = "The receiver answered as it should; check that it verified the signature."
_GOOD_BUT_OFF: Final = (
    "The receiver answered as it should, but webhooks are off since it answered 410; PUT /v1/webhook switches them on."
)
_WITHOUT_ANSWER: Final = {
    NoAnswer.ADDRESS_REFUSED: "The host's address is not public; set a URL whose name resolves to a public address.",
    NoAnswer.NO_CONNECTION: "No connection was made; check the name, port 443 and the TLS certificate.",
    NoAnswer.TIMEOUT: "The receiver was too slow; answer first and do the work afterwards.",
    NoAnswer.ANSWER_LOST: "The connection ended before an answer; check what is in front of the receiver.",
}
_OF_STATUS: Final = {
    **dict.fromkeys(
        (300, 301, 302, 303, 307, 308), "Redirects are not followed; set the URL to which the receiver redirects."
    ),
    **dict.fromkeys(
        (401, 403), "The receiver refused the post; check that it verifies with the current secret, over the raw body."
    ),
    404: "The receiver has no such path; check the URL.",
    405: "The receiver takes no POST at this path; check the URL.",
    410: "The receiver answers that it wants no more webhooks; a job's webhook with this answer switches them off.",
    429: "The receiver limits requests; let it take as many posts as you have jobs.",
}
_OTHER_STATUS: Final = "The receiver failed; any 2xx within the time limit is a delivery. See the receiver's own log."
