"""Every error that Fermata raises, grouped by what the caller can do next.

FermataError
├── RequestRefusedError          the caller changes the request; nothing was stored, nothing was started
│   ├── MalformedBodyError       400: not JSON
│   ├── MalformedHeaderError     400: a header is not well-formed
│   ├── OutOfCreditError         402: the wallet does not cover the price
│   ├── LimitReachedError        429: the plan allows no more for now; the classes below are in `limit_errors`
│   │   ├── RateLimitedError     too many in this minute, or on this day
│   │   ├── TooManyJobsError     too many jobs are open
│   │   ├── TooManyBatchesError  too many files are being processed
│   │   ├── MonthlyLimitError    the month's credits are used up
│   │   ├── KeyLimitError        the credits of the key's month are used up
│   │   ├── LostSongsError       too many songs were bought and their credits returned
│   │   │   └── LossesAtRiskError  open orders may, by their terms, add too many such songs
│   │   └── UnpaidJobsError      too many jobs were ended by their caller before anything was bought
│   ├── InsufficientScopeError   403: the key lacks the scope of the route
│   ├── TenantSuspendedError     403: the operator lets the tenant order and change nothing for now
│   ├── IdempotencyKeyReusedError 422: the key belongs to another request
│   ├── InvalidRequestError      422: a field is wrong; `fields` names each by JSON pointer
│   │   ├── NoModelError         no model on offer can serve a request for `auto`; `fields` says why for each
│   │   └── BeyondOwnKeyError    403: the request wants more than the key that sent it may do itself
│   ├── BodyTooLargeError        413: the body is longer than any request may be
│   ├── TriggerOffError          403: no trigger is on for the sender of the event or the file
│   ├── NotFoundError            404: unknown, or another tenant's
│   ├── AlreadyOrderedError      409: the song is bought and will be delivered
│   ├── AlreadyFinishedError     409: the job has ended and stays as it is
│   ├── NotFinishedError         409: the job is still open
│   ├── NoWebhookError           409: the job has no webhook endpoint
│   ├── NotRotatableError        409: the key has ended or was rotated before
│   ├── TooManyReplaysError      409: the webhook was replayed as often as allowed
│   └── TooManyKeysError         409: the tenant has as many keys as it may have
├── DeliveryError                the provider's result cannot become a file; repeating the step does not help
│   ├── BadAudioError            the provider's file is not usable audio
│   │   ├── AudioTooLargeError   it is larger than any song can reasonably be
│   │   ├── AudioTooComplexError reading it takes more work or memory than any song needs
│   │   └── CutAudioError        the file is shorter than its header announces; fetching it again may bring the rest
│   ├── RepeatedSongError        the file equals another song of the same order
│   ├── ResultExpiredError       the provider's link is dead and cannot be renewed
│   └── UnsafeLinkError          a provider's or a caller's link points to an address that Fermata does not call
├── UpstreamCallError            a call to a provider brought no complete answer
│   ├── NotSentError             no connection was made: certainly unpaid
│   └── AnswerLostError          cut, silent or too slow after the request went out: possibly paid
├── LinkExpiredError             the file behind a caller's link or upload does not exist (any more)
├── SlowLinkError                a caller's link was slow and brought no file: it is fetched once more at most
├── LinkTroubleError             a provider's link brought no file at this moment; it may bring one later
├── SongsOutstandingError        songs of a paid attempt are not stored yet; the state machine waits and tries again
├── BatchGivenUpError            too many lines of a file were refused in a row; the rest is not submitted
├── StaleRecordError             another run wrote the record first; read it again and decide again
│   ├── IdempotencyKeyTakenError an order with the same key was stored first; return its answer
│   └── OtherDiscountError       an order was priced at another discount than the tenant's; price it again
├── SourceTakenError             a source of events belongs to another tenant; nothing was written
├── ProviderHeldError            a pause or an exhausted budget blocks the provider; nothing was written
├── TransientError               the same step may be repeated; no step that raises it can pay twice
│   ├── DrainingError            the operator takes no new orders during maintenance; nothing was stored
│   ├── DiskFullError            the disk of this environment is full; a later run or another environment may have room
│   └── NotStartedError          the job is stored and holds credits; the same request with the same key starts it
└── ConfigurationError           the operator changes the deployment
    └── UnreadableRecordError    a stored record is broken, or a newer release wrote it; whatever needs it waits
        └── NewerRecordError     a newer release wrote it

Class names are public: Step Functions matches on them in `statemachine/`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


class FermataError(Exception):
    """Root of the tree; never raised itself."""


@dataclass(frozen=True)
class FieldError:
    """One wrong field: an RFC 6901 JSON pointer into the request body, and what is allowed there."""

    pointer: str
    message: str


class RequestRefusedError(FermataError):
    """The request was refused before anything was stored or started."""


class MalformedBodyError(RequestRefusedError):
    """The body is not JSON."""


class MalformedHeaderError(RequestRefusedError):
    """A header is not well-formed; ignoring it could cost the caller money."""


class OutOfCreditError(RequestRefusedError):
    """The wallet does not cover the price of an order. All three amounts are in credits; `available` is the prepaid
    balance or the rest of the month's cap.
    """

    def __init__(self, balance: int, available: int, price: int) -> None:
        self.balance, self.available, self.price = balance, available, price
        capped = f"the month's spending cap leaves {available} credits (balance {balance})"
        left = capped if available != balance else f"the balance is {balance} credits"
        super().__init__(f"this order may cost {price} credits and {left}; ask for more credits, then send it again")


class LimitReachedError(RequestRefusedError):
    """The tenant's plan allows no more for now; the same request may pass in `retry_after_s` seconds."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class InsufficientScopeError(RequestRefusedError):
    """The caller's key lacks the scope that a route needs."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        super().__init__(f"this key lacks the scope {scope}; use a key that has it, or ask for one")


class TenantSuspendedError(RequestRefusedError):
    """The operator has suspended the tenant."""

    def __init__(self, since: datetime) -> None:
        super().__init__(
            f"the operator suspended this account on {since:%Y-%m-%d} (UTC): new orders, uploads and changes of keys "
            "and webhook are refused, while reads, downloads, cancellations and running jobs go on; ask the operator "
            "to resume it, then send the request again"
        )


class IdempotencyKeyReusedError(RequestRefusedError):
    """The idempotency key was used for another request."""


class InvalidRequestError(RequestRefusedError):
    """The body is JSON, but at least one field is wrong; `fields` is never empty."""

    def __init__(self, fields: Sequence[FieldError]) -> None:
        self.fields = tuple(fields)
        super().__init__("; ".join(f"{field.pointer}: {field.message}" for field in self.fields))


class NoModelError(InvalidRequestError):
    """No model on offer can serve a request that leaves the choice to Fermata; a field says why for each model."""


class BeyondOwnKeyError(InvalidRequestError):
    """A key gives no right that it lacks, and changes neither itself nor a key that may do more."""


class BodyTooLargeError(RequestRefusedError):
    """The body is longer than any request may be."""


class TriggerOffError(RequestRefusedError):
    """No trigger is on for the sender of an event or a file; the message says what the operator can do."""


class NotFoundError(RequestRefusedError):
    """The resource does not exist for this caller."""


class AlreadyOrderedError(RequestRefusedError):
    """The job's song has been ordered, and an order cannot be canceled."""


class AlreadyFinishedError(RequestRefusedError):
    """The job has ended, and its end never changes."""


class NotFinishedError(RequestRefusedError):
    """The job has not ended; only ended jobs can be deleted or have their webhook replayed."""


class NoWebhookError(RequestRefusedError):
    """The job has no `callback_url` and its tenant no active endpoint: none is set, it is off, or it answered 410."""


class NotRotatableError(RequestRefusedError):
    """The key has ended, or another key took its place before."""


class TooManyReplaysError(RequestRefusedError):
    """The job's webhook was replayed as often as allowed."""


class TooManyKeysError(RequestRefusedError):
    """The tenant has as many keys as it may have, those included that ended lately."""

    def __init__(self, most: int, kept_days: int) -> None:
        super().__init__(
            f"you have {most} keys, as many as allowed; those that ended count for another {kept_days} days, so use "
            "the keys that you have"
        )


class DeliveryError(FermataError):
    """A paid result cannot be turned into a file."""


class BadAudioError(DeliveryError):
    """The result is not audio: odd or foreign characters in its text, cut, empty, or no known container."""


class AudioTooLargeError(BadAudioError):
    """The file is larger than any song can reasonably be."""


class AudioTooComplexError(BadAudioError):
    """Decoding or measuring the file takes more work or memory than any song needs, so another try does not help."""


class CutAudioError(BadAudioError):
    """The file is audio, but shorter than its header announces; fetching it again may bring the rest."""


class RepeatedSongError(DeliveryError):
    """The file equals, byte for byte, that of the order's song number `same_as`."""

    def __init__(self, same_as: int) -> None:
        self.same_as = same_as
        super().__init__(f"the file equals that of song {same_as}")


class ResultExpiredError(DeliveryError):
    """The provider's link answered 403, 404 or 410 and cannot be renewed."""


class UnsafeLinkError(DeliveryError):
    """A link or redirect is not https on port 443 of an allowed, global host, or of `unlisted_host`, if that is set."""

    def __init__(self, message: str, unlisted_host: str | None = None) -> None:
        self.unlisted_host = unlisted_host
        super().__init__(message)


class UpstreamCallError(FermataError):
    """A call to a provider brought no complete answer."""


class NotSentError(UpstreamCallError):
    """No connection to the provider was made, so nothing was ordered."""


class AnswerLostError(UpstreamCallError):
    """The request went out, but no complete answer came back."""


class LinkExpiredError(FermataError):
    """The file behind a caller's link or upload does not exist (any more)."""


class SlowLinkError(FermataError):
    """A caller's link took long and brought no whole file: it was slow, fell silent, or was cut late."""


class LinkTroubleError(FermataError):
    """A provider's link brought no whole file this time; a later fetch may. `status` is the host's HTTP status, None
    without an answer; `retry_after_s` its `Retry-After` in seconds, if any. The message names only the host.
    """

    def __init__(self, message: str, status: int | None = None, retry_after_s: int | None = None) -> None:
        self.status, self.retry_after_s = status, retry_after_s
        super().__init__(message)


class SongsOutstandingError(FermataError):
    """Songs of a paid attempt are neither stored nor given up: no failure; the record says when they are due."""


class BatchGivenUpError(FermataError):
    """Too many lines of a file were refused in a row; the remaining lines are not submitted."""


class StaleRecordError(FermataError):
    """The job's record changed since it was read; nothing was written."""


class IdempotencyKeyTakenError(StaleRecordError):
    """An order with the same idempotency key was stored first; nothing was written."""


class OtherDiscountError(StaleRecordError):
    """An order was priced at another discount than its tenant has: now it is `percent`; nothing was written."""

    def __init__(self, percent: int) -> None:
        self.percent = percent
        super().__init__(f"the tenant's discount is {percent} % now; price the order again")


class SourceTakenError(FermataError):
    """Sources of events belong to other tenants; nothing was written."""

    def __init__(self, sources: Sequence[str]) -> None:
        self.sources = tuple(sources)
        super().__init__(f"{len(self.sources)} sources belong to other tenants; nothing was written")


class ProviderHeldError(FermataError):
    """The operator blocks orders to the provider: by the pause `paused_by`, or by its budget if that is None."""

    def __init__(self, provider: str, paused_by: str | None) -> None:
        self.paused_by = paused_by
        super().__init__(f"the operator holds {provider} back; nothing was written")


class TransientError(FermataError):
    """A dependency failed for now; the step that raised it can be repeated without paying again. `public_message` is
    the text for callers of the API; the message adds AWS's error code, if any, for the operator.
    """

    def __init__(self, public_message: str, aws_code: str | None = None) -> None:
        self.public_message, self.aws_code = public_message, aws_code
        super().__init__(public_message if aws_code is None else f"{public_message}: {aws_code}")


class DrainingError(TransientError):
    """The operator takes no new orders for now. The same order may pass in `retry_after_s` seconds."""

    def __init__(self) -> None:
        self.retry_after_s = 60
        super().__init__(
            "new orders are not taken during maintenance, while reads, downloads and running jobs go on; nothing was "
            "stored, send the same request again later"
        )


class DiskFullError(TransientError):
    """The disk of this run's environment is full; the file that was to be written is not at fault."""


class NotStartedError(TransientError):
    """A job with an idempotency key is stored but its state machine did not start; repeating the request starts it."""


class ConfigurationError(FermataError):
    """Settings are missing or wrong; the message names every one of them and never shows a value."""


class UnreadableRecordError(ConfigurationError):
    """A stored record is broken, or a newer release wrote it, and nothing was written: whatever needs it waits until
    the operator has mended the item or deployed that release. The message names the item and shows no stored value.
    """


class NewerRecordError(UnreadableRecordError):
    """A newer release wrote a stored record. The message names the item and both formats."""
