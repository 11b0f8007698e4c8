"""Sets of HTTP statuses that several rules share; for a single status, use `http.HTTPStatus`."""

from http import HTTPStatus
from typing import Final

SUCCESSES: Final = range(200, 300)
CLIENT_ERRORS: Final = range(400, 500)
SERVER_ERRORS: Final = range(500, 600)
ERRORS: Final = range(CLIENT_ERRORS.start, SERVER_ERRORS.stop)

PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY})
"""Answers of a busy server that does not object to the request."""
WORTH_REPEATING: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
"""Fermata's answers after which the same request may succeed later."""
