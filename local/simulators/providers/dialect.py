"""The interface of a dialect, which simulates one provider.

A new dialect is a class with the members of `Dialect`, listed in `running.py`. Each of its routes has a place in a
song's course (`create` is the paid one) and turns a request into a visit. All dialects share files, network faults, the
bill, the log and the control routes.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, Protocol

from local.simulators.call_limits import Busy
from local.simulators.faults import Fault, FaultKind, FaultRow, Place
from local.simulators.gate import Gate
from local.simulators.http.exchange import Answer, Request
from local.simulators.memory import Calendar, Memory, NoMemory
from local.simulators.providers.callbacks import Callbacks
from local.simulators.providers.links import Links
from local.simulators.recording import Recordings


@dataclass(frozen=True)
class Visit:
    """An accepted request: the text that faults match, and the answer with a fault or without one."""

    prompt: str
    answer: Callable[[Fault | None], Answer]
    usd: Decimal = Decimal(0)
    deaf_to: frozenset[FaultKind] = frozenset()
    """Faults that do not apply to this request, so that it does not consume them."""
    characters: int = 0
    """The characters that a speech counts."""


@dataclass(frozen=True)
class Route:
    """One route of a provider; `path` matches the whole undecoded path, `receive` raises `RefusedError` to refuse."""

    place: Place
    method: str
    path: re.Pattern[str]
    receive: Callable[[Request], Visit]


@dataclass(frozen=True)
class Label:
    """The label of a paid POST on the bill, valid or not."""

    model: str | None = None
    prompt: str | None = None


@dataclass(frozen=True)
class Backend:
    """Ports of a dialect. `latency_s` is the time per song in seconds, `clock` returns monotonic seconds, and `fetch`
    returns the file behind a link on this machine or raises `BadRecordingError`. Held answers wait for `gate`.
    """

    key: str
    latency_s: float
    recordings: Recordings
    links: Links
    callbacks: Callbacks
    clock: Callable[[], float]
    fetch: Callable[[str], bytes]
    gate: Gate = field(default_factory=Gate)
    memory: Memory = field(default_factory=NoMemory)

    @property
    def calendar(self) -> Calendar:
        """The clock's instants as times."""
        return Calendar(self.clock, time.time)


class Dialect(Protocol):
    """The dialect of one provider."""

    provider: ClassVar[str]
    fault_rows: ClassVar[tuple[FaultRow, ...]]

    def __init__(self, backend: Backend) -> None: ...

    def routes(self) -> tuple[Route, ...]:
        """The provider's routes."""

    def label(self, body: object) -> Label:
        """The model and prompt of a paid POST's body, where it has them."""

    def error(self, status: int, path: str) -> Answer:
        """The provider's answer for an HTTP error."""

    def busy(self, busy: Busy, path: str) -> Answer:
        """The provider's answer to a paid call beyond a limit."""

    def forget(self) -> None:
        """Drop every task and upload."""


def top_level_label(body: object) -> Label:
    """The label of a body with `model` and `prompt`, or `text` to speak, at the top level."""
    if not isinstance(body, dict):
        return Label()
    model, prompt = body.get("model"), body.get("prompt", body.get("text"))
    return Label(model if isinstance(model, str) else None, prompt if isinstance(prompt, str) else None)
