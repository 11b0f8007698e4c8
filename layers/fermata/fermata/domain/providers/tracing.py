"""The id by which a provider can find a call in its own records. Support asks for it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, TypeVar

from pydantic import JsonValue

from fermata.domain.providers.calls import Refused, StartOutcome, UpstreamAnswer

_Outcome = TypeVar("_Outcome", bound=StartOutcome)
_LIMIT: Final = 128
_HEADERS: Final = ("trace-id", "x-request-id")
"""MiniMax documents `Trace-Id`; `X-Request-Id` is the usual name elsewhere."""
_NAMES: Final = ("trace_id", "requestId")
"""The names in a body: MiniMax's and AIML API's."""


def read_trace_id(value: JsonValue) -> str | None:
    """A trace id, or None unless it is printable ASCII of at most 128 characters."""
    usable = isinstance(value, str) and 0 < len(value) <= _LIMIT and value.isascii() and value.isprintable()
    return value if isinstance(value, str) and usable else None


def trace_id_in_headers(headers: Mapping[str, str]) -> str | None:
    """The trace id in the headers of an answer, or None. The mapping ignores the case of names, or has them in lower
    case.
    """
    return next((found for name in _HEADERS if (found := read_trace_id(headers.get(name)))), None)


def trace_id_of(answer: UpstreamAnswer) -> str | None:
    """The trace id of an answer: of its body, otherwise of its headers; or None."""
    document = answer.document if answer.stream is None else answer.stream.telling
    bodies = (document, document.get("result")) if isinstance(document, dict) else ()
    told = (body.get(name) for body in bodies if isinstance(body, dict) for name in _NAMES)
    return next((found for value in told if (found := read_trace_id(value))), answer.trace_id)


def traced(outcome: _Outcome, answer: UpstreamAnswer) -> _Outcome:
    """An outcome with the trace id of the answer that brought it."""
    # A failure has it already.
    return outcome if isinstance(outcome, Refused) else replace(outcome, trace_id=trace_id_of(answer))


def trace_id_behind(outcome: StartOutcome) -> str | None:
    """The trace id of the answer that brought this outcome, or None."""
    return outcome.failure.trace_id if isinstance(outcome, Refused) else outcome.trace_id
