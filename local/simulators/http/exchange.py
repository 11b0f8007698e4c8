"""One HTTP exchange with a simulated provider as plain values: the request, the answer, and its manner of delivery."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from threading import Event

from pydantic_core import from_json, to_json

from local.simulators.faults import Fault


@dataclass(frozen=True)
class Request:
    """One received request; `path` and `query` are undecoded, header names are in lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def bearer(self) -> str | None:
        """The bearer token, or None where the request carries none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token.strip() else None

    def json(self) -> object:
        """The body as JSON; raises `ValueError` for any other body, also for NaN, lone surrogates and excessive
        nesting.
        """
        parsed: object = from_json(self.body, allow_inf_nan=False)
        return parsed


@dataclass(frozen=True)
class Manner:
    """How the network delivers an answer."""

    hang_s: float = 0.0
    cut_percent: float | None = None
    bytes_per_s: int | None = None
    reset: bool = False


WHOLE = Manner()


@dataclass(frozen=True)
class Hold:
    """A pause of a paced body: nothing follows its first `sent` bytes until `opened` is set."""

    sent: int
    opened: Event


@dataclass(frozen=True)
class Answer:
    """One answer, sent `after_s` seconds after its request arrived; `charged` says that a paid POST with this answer
    costs. With a `pace`, it is sent in chunks: each entry is a number of seconds and the bytes of the body sent by
    then.
    """

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    after_s: float = 0.0
    charged: bool = False
    manner: Manner = WHOLE
    pace: tuple[tuple[float, int], ...] = ()
    hold: Hold | None = None


@dataclass(frozen=True)
class Outcome:
    """An answer with its data for the bill and the request log."""

    answer: Answer
    fault: Fault | None = None
    prompt_sha256: str | None = None
    usd: Decimal = Decimal(0)
    """The cost of a paid POST if its answer is charged."""
    characters: int = 0
    """What a speech counts if its answer is charged."""
    ended: Callable[[], None] = lambda: None
    """Callback for when the answer was sent or the client left."""


class RefusedError(Exception):
    """The provider refuses a request with this answer before any work."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"refused with HTTP {answer.status}")
        self.answer = answer


def json_answer(status: int, body: object, *, after_s: float = 0.0, charged: bool = False) -> Answer:
    """An answer whose body is `body` as compact JSON."""
    return Answer(status, to_json(body), after_s=after_s, charged=charged)


def text_answer(status: int, text: str, content_type: str = "text/plain; charset=utf-8") -> Answer:
    """An answer whose body is plain text, or text of another type."""
    return Answer(status, text.encode(), content_type)


def simulator_error(status: int, message: str) -> Answer:
    """An error of the simulator itself, not of the simulated provider."""
    return Answer(status, json.dumps({"error": message}).encode())
