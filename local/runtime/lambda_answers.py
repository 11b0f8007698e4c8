"""What an invocation ends with, in Lambda's own form."""

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """What an invocation ended with; a failed one holds Lambda's error object (`errorType`, `errorMessage`)."""

    payload: bytes
    failed: bool = False


def error_answer(error_type: str, message: str) -> Answer:
    """Return a failure as Lambda words it."""
    return Answer(json.dumps({"errorType": error_type, "errorMessage": message}).encode(), failed=True)


def error_type(answer: Answer) -> str:
    """Return the error type of a failed answer."""
    try:
        return str(json.loads(answer.payload)["errorType"])
    except (ValueError, KeyError, TypeError):
        return "Unknown"
