"""How AIML API refuses a paid call, on all its routes: by an HTTP status, and words in an error document."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from fermata.domain.providers.answers import (
    RATE_LIMITED,
    TRANSIENT,
    UNKNOWN_OUTCOME,
    Ruling,
    describe,
    failure_of,
    member,
    read_words,
    refusal,
    told_http_status,
)
from fermata.domain.providers.calls import Refused, UpstreamAnswer
from fermata.domain.providers.failures import FailureClass

NAME: Final = "AIML API"

CREATE_STATUSES: Final[Mapping[int, Ruling]] = {
    **dict.fromkeys((HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY), refusal(FailureClass.INVALID_REQUEST)),
    HTTPStatus.UNAUTHORIZED: refusal(FailureClass.AUTH),
    HTTPStatus.FORBIDDEN: refusal(FailureClass.OUT_OF_CREDIT),
    HTTPStatus.NOT_FOUND: refusal(FailureClass.NOT_FOUND),
    HTTPStatus.TOO_MANY_REQUESTS: RATE_LIMITED,
    # The vendor documents these as temporary and does not mention billing. After 504 the song may still be made.
    **dict.fromkeys(
        (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE), TRANSIENT
    ),
}


def refused_by(name: str, answer: UpstreamAnswer, status: int) -> Refused:
    """The failure of a paid call by a status, which the answer's body or its head has. `name` is the provider's in
    messages.
    """
    reported = told_http_status(answer.document)
    code = None if reported is None else str(reported)
    ruling = CREATE_STATUSES.get(status, UNKNOWN_OUTCOME)
    return Refused(failure_of(answer, ruling, describe(name, answer, error_words(answer), code), code))


def error_words(answer: UpstreamAnswer) -> str:
    """The words of an error document, empty where it has none."""
    document = answer.document
    return read_words(member(document, "message"), member(document, "error"), member(document, "error", "message"))
