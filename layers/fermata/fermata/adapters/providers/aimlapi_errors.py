"""HTTP statuses with which AIML API refuses a paid call, on all its routes."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from fermata.domain.providers.answers import RATE_LIMITED, TRANSIENT, Ruling, refusal
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
