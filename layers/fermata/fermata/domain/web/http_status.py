"""The sets of HTTP statuses that several rules share; `http.HTTPStatus` names a single one."""

from http import HTTPStatus
from typing import Final

SUCCESSES: Final = range(200, 300)
CLIENT_ERRORS: Final = range(400, 500)
SERVER_ERRORS: Final = range(500, 600)
ERRORS: Final = range(CLIENT_ERRORS.start, SERVER_ERRORS.stop)

PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY})
"""What a server answers that is busy, and has nothing against the request."""
WORTH_REPEATING: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
"""What Fermata answers where the same request may succeed later."""
