"""Flows: what a call does step by step. A flow yields steps and is sent what came of each; it does no I/O itself.

A driver performs the steps: `fermata_client.client` with threads' blocking calls, `fermata_client.aio` with `await`. So
everything that is worth a thought, retries and downloads above all, exists once.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Generic, Self, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """One HTTP request. Headers may hold the API key, so they are not shown. Each of its steps may take `timeout_s`,
    where that is less than usual.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout_s: float | None = None


@dataclass(frozen=True)
class Response:
    """One answer; `headers` by lower-case name. The body of an answer that is read piece by piece is empty."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)


class LostError(Exception):
    """No answer, or half of one. `sent` is whether the request may have arrived; raised into flows by drivers only."""

    def __init__(self, reason: str, *, sent: bool, bad_certificate: bool = False) -> None:
        super().__init__(reason)
        self.sent = sent
        self.bad_certificate = bad_certificate


@dataclass(frozen=True)
class Send:
    """Send a request; the reply is its `Response`."""

    request: Request


@dataclass(frozen=True)
class Open:
    """Send a request and leave its body to be read. One answer is open at a time: the next `Open` closes it."""

    request: Request


@dataclass(frozen=True)
class Read:
    """Read on; the reply is the next bytes of the open answer, or None at its end."""


@dataclass(frozen=True)
class Pause:
    """Wait."""

    seconds: float


@dataclass(frozen=True)
class Do:
    """Do something that blocks for a moment, such as writing to a disk; the reply is what it returns."""

    work: Callable[[], object]


@dataclass(frozen=True)
class Emit:
    """Hand an item to the caller, who iterates over the flow."""

    item: object


Step: TypeAlias = Send | Open | Read | Pause | Do | Emit
Flow: TypeAlias = Generator[Step, Any, T]
"""A flow that returns a T."""


def send(request: Request) -> Flow[Response]:
    """Send a request; raises `LostError`."""
    response: Response = yield Send(request)
    return response


def open_answer(request: Request) -> Flow[Response]:
    """Send a request and leave its body to `read`; raises `LostError`."""
    response: Response = yield Open(request)
    return response


def read() -> Flow[bytes | None]:
    """The next bytes of the open answer, None at its end; raises `LostError`."""
    chunk: bytes | None = yield Read()
    return chunk


def do(work: Callable[[], T]) -> Flow[T]:
    """What the work returns; raises what it raises where that is an `OSError`."""
    done: T = yield Do(work)
    return done


class Walk(Generic[T]):
    """A flow that is being performed: `step` is what to do next, None once the flow returned `result`."""

    def __init__(self, flow: Flow[T]) -> None:
        self._flow = flow
        self._result: list[T] = []
        self.step: Step | None = None

    def __enter__(self) -> Self:
        self.reply(None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The flow cleans up where its driver was interrupted.
        self._flow.close()

    @property
    def result(self) -> T:
        """What the flow returned."""
        return self._result[0]

    def reply(self, value: object) -> None:
        """Go on with what came of the step."""
        self._go(lambda: self._flow.send(value))

    def fail(self, error: Exception) -> None:
        """Go on with the error of the step; raises it again where the flow does not take it."""
        self._go(lambda: self._flow.throw(error))

    def _go(self, on: Callable[[], Step]) -> None:
        try:
            self.step = on()
        except StopIteration as end:
            self.step = None
            self._result = [end.value]
