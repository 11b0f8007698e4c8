"""What an answer says: a value, or an error by what the caller can do next."""

import json
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError

from fermata_client.core.flow import Response
from fermata_client.errors import (
    AuthenticationError,
    ClockOffError,
    ConflictError,
    FermataError,
    InvalidRequestError,
    LimitError,
    NotFermataError,
    NotFoundError,
    OutOfCreditError,
    Refusal,
    RefusedError,
    ScopeError,
    ServerError,
)
from fermata_client.models.answer import Answer
from fermata_client.models.problem import Problem

M = TypeVar("M", bound=Answer)

SKEW_S: Final = 60
"""A clock that differs from Fermata's by more is off."""
_REFUSED: Final[Mapping[int, type[RefusedError]]] = {
    HTTPStatus.BAD_REQUEST: InvalidRequestError,
    HTTPStatus.UNAUTHORIZED: AuthenticationError,
    HTTPStatus.PAYMENT_REQUIRED: OutOfCreditError,
    HTTPStatus.FORBIDDEN: ScopeError,
    HTTPStatus.NOT_FOUND: NotFoundError,
    HTTPStatus.CONFLICT: ConflictError,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: InvalidRequestError,
    HTTPStatus.UNPROCESSABLE_ENTITY: InvalidRequestError,
    HTTPStatus.TOO_MANY_REQUESTS: LimitError,
}
_BY_API_GATEWAY: Final[Mapping[int, tuple[type[RefusedError], str]]] = {
    HTTPStatus.UNAUTHORIZED: (AuthenticationError, "no API key arrived; look whether something strips the header"),
    HTTPStatus.FORBIDDEN: (AuthenticationError, "the API key is wrong, expired or revoked; use another"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (InvalidRequestError, "the request is too large; shorten it"),
    HTTPStatus.TOO_MANY_REQUESTS: (LimitError, "too many requests arrive at once; slow down"),
}


def is_success(response: Response) -> bool:
    """Whether the answer is a 2xx."""
    return HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES


def value_of(response: Response, kind: type[M]) -> M:
    """The value of an answer that is a success; raises `NotFermataError` for another shape."""
    found = _json(response)
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        wrong = ", ".join(sorted({".".join(map(str, each["loc"])) or "all of it" for each in error.errors()})[:5])
        raise NotFermataError(
            f"expected a {kind.__name__}, found {_what(response)} with other fields ({wrong}); "
            "look at the base URL, or update this package",
            status=response.status,
        ) from None


def error_of(response: Response, now: float) -> FermataError:
    """The error that an answer stands for; `now` is this machine's time in seconds since 1970."""
    problem, retry_after_s = _problem(response), retry_after(response)
    if problem is None:
        return _foreign(response, retry_after_s)
    fields = "; ".join(f"{each.pointer or 'the body'} {each.message}" for each in problem.errors)
    refusal = Refusal(response.status, problem, retry_after_s, f"{problem.title}: {fields or problem.detail}")
    kind = _REFUSED.get(response.status)
    if kind is None:
        return ServerError(refusal)
    skew_s = skew(response, now)
    if abs(skew_s) > SKEW_S and any(each.pointer == "/finish_by" for each in problem.errors):
        hint = f"{refusal.message}; this machine's clock is {abs(skew_s):.0f} s {'ahead' if skew_s > 0 else 'behind'}"
        return ClockOffError(Refusal(response.status, problem, retry_after_s, hint), skew_s)
    return kind(refusal)


def retry_after(response: Response) -> float | None:
    """The seconds of `Retry-After`, or None; a date counts from the answer's own `Date`."""
    text = response.headers.get("retry-after", "")
    if text.isascii() and text.isdigit():
        return float(text[:9])
    until, sent = _moment(text), _moment(response.headers.get("date", ""))
    return None if until is None or sent is None else max(0.0, until - sent)


def skew(response: Response, now: float) -> float:
    """How many seconds this machine's clock is ahead of the answer's `Date`, 0 without one."""
    sent = _moment(response.headers.get("date", ""))
    return 0.0 if sent is None else now - sent


def server_time(response: Response) -> float | None:
    """The answer's `Date` in seconds since 1970, so that no wrong clock of this machine plays a part."""
    return _moment(response.headers.get("date", ""))


def _moment(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _json(response: Response) -> object:
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        return None


def _problem(response: Response) -> Problem | None:
    try:
        problem = Problem.model_validate(_json(response))
    except ValidationError:
        return None
    return problem if problem.type.startswith("urn:fermata:problem:") else None


def _foreign(response: Response, retry_after_s: float | None) -> FermataError:
    """An answer that is no problem of Fermata's: API Gateway's, or of who knows what."""
    found = _json(response)
    if isinstance(found, dict) and set(found) == {"message"}:
        if response.status in _BY_API_GATEWAY:
            kind, advice = _BY_API_GATEWAY[response.status]
            return kind(Refusal(response.status, None, retry_after_s, f"{found['message']}: {advice}"))
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return ServerError(Refusal(response.status, None, retry_after_s, f"{found['message']}"))
    return NotFermataError(
        f"expected an answer of Fermata, found {_what(response)}; look at the base URL, and at proxies in between",
        status=response.status,
        retry_after_s=retry_after_s,
    )


def _what(response: Response) -> str:
    kind = response.headers.get("content-type", "no content type").partition(";")[0]
    where = urlsplit(response.headers.get("location", "").partition("?")[0])
    led = f" that leads to {where.scheme}://{where.hostname}" if where.hostname else ""
    return f"{response.status} with {kind}{led}"
