"""The error shape of every AIML API route."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from local.simulators.http.exchange import Answer, json_answer

MESSAGES: Final[Mapping[int, str]] = {
    400: "Invalid request",
    401: "Unauthorized",
    403: "You have run out of credits",
    404: "Not found",
    429: "Too many requests",
    504: "Generation timeout",
}


def aiml_error(status: int, path: str, reason: str | None = None) -> Answer:
    """An error document; `reason` is added to the status's message."""
    message = MESSAGES.get(status, "Internal error")
    body = {
        "message": f"{message}: {reason}" if reason else message,
        "path": path,
        "requestId": str(uuid4()),
        # The vendor sends a number, and a string when it limits the rate.
        "statusCode": "429" if status == 429 else status,
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return json_answer(status, body)
