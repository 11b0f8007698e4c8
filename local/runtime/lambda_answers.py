"""Results of invocations in Lambda's format."""

import json
import re
from dataclasses import dataclass
from typing import Final

_ENDED: Final = frozenset({"Runtime.ExitError", "Runtime.InvalidEntrypoint", "Sandbox.Timedout"})
"""Error types of a process that could not be started, was killed or took too long, whatever its code is."""


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


def import_error(answer: Answer) -> str | None:
    """Return why a handler could not be imported, with the file and line where it failed; None where the process ended
    for another reason.
    """
    if error_type(answer) in {*_ENDED, "Unknown"}:
        return None
    said = json.loads(answer.payload)
    places = re.findall(r'File "([^"]+)",? [Ll]ine (\d+)', "".join(map(str, said.get("stackTrace") or [])))
    place = f"{places[-1][0]}, line {places[-1][1]}: " if places else ""
    return f"{place}{said.get('errorMessage', 'no message')} ({said['errorType']})"
