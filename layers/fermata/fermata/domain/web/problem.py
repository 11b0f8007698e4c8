"""Problem documents for errors, the same over HTTP, events and files: RFC 9457's type, title and status."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from pydantic import JsonValue

from fermata.domain.web.http_status import WORTH_REPEATING
from fermata.errors import (
    AlreadyFinishedError,
    AlreadyOrderedError,
    BeyondOwnKeyError,
    BodyTooLargeError,
    DrainingError,
    FermataError,
    FieldError,
    IdempotencyKeyReusedError,
    InsufficientScopeError,
    InvalidRequestError,
    MalformedBodyError,
    MalformedHeaderError,
    NotFinishedError,
    NotFoundError,
    NotRotatableError,
    NoWebhookError,
    OutOfCreditError,
    TenantSuspendedError,
    TooManyKeysError,
    TooManyReplaysError,
    TransientError,
    TriggerOffError,
)
from fermata.limit_errors import (
    KeyLimitError,
    LostSongsError,
    MonthlyLimitError,
    RateLimitedError,
    TooManyBatchesError,
    TooManyJobsError,
    UnpaidJobsError,
)

PROBLEMS: Final[Mapping[type[FermataError], tuple[HTTPStatus, str, str]]] = {
    MalformedBodyError: (HTTPStatus.BAD_REQUEST, "malformed_body", "The body is not JSON"),
    MalformedHeaderError: (HTTPStatus.BAD_REQUEST, "malformed_header", "A header is malformed"),
    OutOfCreditError: (HTTPStatus.PAYMENT_REQUIRED, "out_of_credit", "Not enough credits"),
    InsufficientScopeError: (HTTPStatus.FORBIDDEN, "insufficient_scope", "The key may not do this"),
    TenantSuspendedError: (HTTPStatus.FORBIDDEN, "tenant_suspended", "The account is suspended"),
    BeyondOwnKeyError: (HTTPStatus.FORBIDDEN, "beyond_own_key", "The key may not give or change this"),
    TriggerOffError: (HTTPStatus.FORBIDDEN, "trigger_off", "No trigger is on"),
    NotFoundError: (HTTPStatus.NOT_FOUND, "not_found", "The resource does not exist"),
    AlreadyOrderedError: (HTTPStatus.CONFLICT, "already_ordered", "The audio is already ordered"),
    AlreadyFinishedError: (HTTPStatus.CONFLICT, "already_finished", "The job is already finished"),
    NotFinishedError: (HTTPStatus.CONFLICT, "not_finished", "The job is not finished"),
    NoWebhookError: (HTTPStatus.CONFLICT, "no_webhook", "There is no webhook endpoint"),
    NotRotatableError: (HTTPStatus.CONFLICT, "not_rotatable", "The key cannot be rotated"),
    TooManyReplaysError: (HTTPStatus.CONFLICT, "too_many_replays", "The webhook was sent too often"),
    TooManyKeysError: (HTTPStatus.CONFLICT, "too_many_keys", "There are too many keys"),
    BodyTooLargeError: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", "The body is too large"),
    IdempotencyKeyReusedError: (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "idempotency_key_reused",
        "The key belongs to another request",
    ),
    InvalidRequestError: (HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", "The request is not valid"),
    RateLimitedError: (HTTPStatus.TOO_MANY_REQUESTS, "rate_limited", "Too many requests of this kind"),
    TooManyJobsError: (HTTPStatus.TOO_MANY_REQUESTS, "too_many_jobs", "Too many jobs are open"),
    TooManyBatchesError: (HTTPStatus.TOO_MANY_REQUESTS, "too_many_batches", "Too many files are in progress"),
    LostSongsError: (HTTPStatus.TOO_MANY_REQUESTS, "lost_songs_limit", "Too many songs were made and not paid"),
    UnpaidJobsError: (HTTPStatus.TOO_MANY_REQUESTS, "unpaid_jobs_limit", "Too many jobs ended before a purchase"),
    MonthlyLimitError: (HTTPStatus.TOO_MANY_REQUESTS, "monthly_limit_reached", "The month's credits are used up"),
    KeyLimitError: (HTTPStatus.TOO_MANY_REQUESTS, "key_limit_reached", "The credits of the key's month are used up"),
    DrainingError: (HTTPStatus.SERVICE_UNAVAILABLE, "draining", "No new orders are taken for now"),
    TransientError: (HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "Try again in a moment"),
}


@dataclass(frozen=True)
class Problem:
    """One error as its caller sees it; after 429 and 503 the same request may succeed later."""

    status: int
    slug: str
    title: str
    detail: str
    fields: tuple[FieldError, ...]

    @property
    def type(self) -> str:
        """The URN of this kind of problem."""
        return problem_type(self.slug)

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return is_retryable(self.status)

    def document(self) -> dict[str, JsonValue]:
        """The members of the problem document, the same over HTTP, events and files."""
        errors: list[JsonValue] = [{"pointer": field.pointer, "message": field.message} for field in self.fields]
        return {
            "type": self.type,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "errors": errors,
            "retryable": self.retryable,
        }


def problem_of(error: FermataError) -> Problem:
    """The problem of an error that ends a request; raises `StopIteration` for a class that callers never see."""
    status, slug, title = next(PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS)
    fields = error.fields if isinstance(error, InvalidRequestError) else ()
    message = error.public_message if isinstance(error, TransientError) else str(error)
    detail = "; ".join(f"{field.pointer or 'the body'} {field.message}" for field in fields) or message
    return Problem(status, slug, title, detail, fields)


def is_retryable(status: int) -> bool:
    """Whether the same request may succeed after an answer of this status."""
    return status in WORTH_REPEATING


def problem_type(slug: str) -> str:
    """The URN of a kind of problem."""
    return f"urn:fermata:problem:{slug}"
