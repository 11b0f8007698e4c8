"""Results of invocations in Lambda's format."""

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """The result of an invocation; that of a failed one is Lambda's error object (`errorType`, `errorMessage`)."""

    payload: bytes
    failed: bool = False


def error_answer(error_type: str, message: str) -> Answer:
    """Return a failed answer in Lambda's format."""
    return Answer(json.dumps({"errorType": error_type, "errorMessage": message}).encode(), failed=True)


def error_type(answer: Answer) -> str:
    """Return the error type of a failed answer."""
    try:
        return str(json.loads(answer.payload)["errorType"])
    except (ValueError, KeyError, TypeError):
        return "Unknown"
