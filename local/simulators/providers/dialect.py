"""What a dialect is: the module that speaks as one provider, on top of what all simulators share.

A new dialect is a class with the members of `Dialect`, listed in `running.py`. Its routes say at which place of a
song's way they stand (`create` is the paid one) and turn a request into a visit. Files, faults of the network, the
bill, the log and the control routes are shared.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Protocol

from local.simulators.call_limits import Busy
from local.simulators.faults import Fault, FaultKind, FaultRow, Place
from local.simulators.http.exchange import Answer, Request
from local.simulators.providers.callbacks import Callbacks
from local.simulators.providers.links import Links
from local.simulators.recording import Recordings


@dataclass(frozen=True)
class Visit:
    """A request that the provider accepts: what faults can match, and what it answers under one of them (or none)."""

    prompt: str
    answer: Callable[[Fault | None], Answer]
    usd: Decimal = Decimal(0)
    deaf_to: frozenset[FaultKind] = frozenset()
    """Faults that this one request cannot show, and so does not use up."""


@dataclass(frozen=True)
class Route:
    """One route of a provider; `path` matches the whole path as sent, `receive` raises RefusedError to refuse."""

    place: Place
    method: str
    path: re.Pattern[str]
    receive: Callable[[Request], Visit]


@dataclass(frozen=True)
class Label:
    """What the bill calls a paid POST, valid or not."""

    model: str | None = None
    prompt: str | None = None


@dataclass(frozen=True)
class Backend:
    """What stands behind a dialect; `latency_s` is how long a song takes, `clock` is monotonic and tells seconds,
    `fetch` gets the file behind a link on this machine or raises BadRecordingError.
    """

    key: str
    latency_s: float
    recordings: Recordings
    links: Links
    callbacks: Callbacks
    clock: Callable[[], float]
    fetch: Callable[[str], bytes]


class Dialect(Protocol):
    """One provider's way of speaking."""

    provider: ClassVar[str]
    fault_rows: ClassVar[tuple[FaultRow, ...]]

    def __init__(self, backend: Backend) -> None: ...

    def routes(self) -> tuple[Route, ...]:
        """The provider's routes."""

    def label(self, body: object) -> Label:
        """The model and prompt of a paid POST's JSON body, as far as it has any."""

    def error(self, status: int, path: str) -> Answer:
        """The provider's body for an HTTP error."""

    def busy(self, busy: Busy, path: str) -> Answer:
        """How the provider refuses a paid call beyond one of its limits."""

    def forget(self) -> None:
        """Drop every task and upload."""


def top_level_label(body: object) -> Label:
    """The label of a body that has `model` and `prompt` at its top level."""
    if not isinstance(body, dict):
        return Label()
    model, prompt = body.get("model"), body.get("prompt")
    return Label(model if isinstance(model, str) else None, prompt if isinstance(prompt, str) else None)
