"""The client that blocks: `Fermata`, the `Handle` of an order, and its tracks."""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx

from fermata_client.core.connection import lost_where_it_fails, request_of, response_of
from fermata_client.core.context import Clock, Context
from fermata_client.core.download import TrackState
from fermata_client.core.flow import Do, Emit, Flow, LostError, Open, Pause, Read, Send, Step, Walk
from fermata_client.core.operation import Blocking
from fermata_client.core.orders import JobState, Order, submit
from fermata_client.core.progress import Update
from fermata_client.core.retries import Retries
from fermata_client.methods import (
    ClientMethods,
    HandleMethods,
    KeyMethods,
    TrackMethods,
    WebhookMethods,
    context_of,
    tracks_of,
)

T = TypeVar("T")


class _Exchange:
    """The steps of one flow, and the answer that it has open."""

    def __init__(self, http: httpx.Client, sleep: Callable[[float], None]) -> None:
        self._http = http
        self._sleep = sleep
        self._open: httpx.Response | None = None
        self._pieces: Iterator[bytes] = iter(())

    def perform(self, step: Step) -> object:
        """Do a step; raises `LostError`, or `OSError` from work on a disk."""
        with lost_where_it_fails():
            match step:
                case Send(request):
                    answer = self._http.send(request_of(request), follow_redirects=False)
                    return response_of(answer, with_body=True)
                case Open(request):
                    self.close()
                    self._open = self._http.send(request_of(request), stream=True, follow_redirects=False)
                    self._pieces = self._open.iter_raw()
                    return response_of(self._open, with_body=False)
                case Read():
                    return next(self._pieces, None)
                case Pause(seconds):
                    self._sleep(seconds)
                case Do(work):
                    return work()
                case Emit():
                    raise AssertionError("items are handed on before")
        return None

    def close(self) -> None:
        """Close the answer that is open."""
        if self._open is not None:
            self._open.close()


class Driver:
    """Performs flows by blocking calls. It may be used by several threads at once."""

    def __init__(self, http: httpx.Client | None, sleep: Callable[[float], None]) -> None:
        self._given = http
        self._http = http
        self._sleep = sleep
        self._making = threading.Lock()

    def run(self, flow: Flow[T]) -> T:
        """What the flow returns; its items are passed over."""
        steps = self._steps(flow)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                result: T = end.value
                return result

    def items(self, flow: Flow[Any]) -> Iterator[Any]:
        """What the flow emits. Nothing happens before the first item is asked for."""
        yield from self._steps(flow)

    def close(self) -> None:
        """Close the connections, but not those of a client that was given."""
        if self._http is not None and self._given is None:
            self._http.close()
            self._http = None

    def _steps(self, flow: Flow[T]) -> Generator[Any, None, T]:
        with self._making:
            # Made on first use: certificates take a while to read.
            http = self._http = self._http or httpx.Client()
        with closing(_Exchange(http, self._sleep)) as exchange, Walk(flow) as walk:
            while (step := walk.step) is not None:
                if isinstance(step, Emit):
                    yield step.item
                    walk.reply(None)
                    continue
                try:
                    reply = exchange.perform(step)
                except (LostError, OSError) as error:
                    walk.fail(error)
                else:
                    walk.reply(reply)
            return walk.result


class Track(TrackMethods, Blocking[TrackState]):
    """A finished track."""


class Handle(HandleMethods, Blocking[JobState]):
    """An order: what can be done with its job. Making one asks nothing."""

    @property
    def tracks(self) -> list[Track]:
        """The finished tracks, as the job was last seen; empty until `wait`, `status` or `events` saw it succeed."""
        return [Track(state, self.driver) for state in tracks_of(self.subject)]

    def subscribe(self, on_update: Callable[[Update], object], *, timeout_s: float | None = None) -> Self:
        """Call back at each look at the job until it has succeeded; raises as `wait` does."""
        for update in self.events(timeout_s=timeout_s):
            on_update(update)
        self.result()
        return self


class Keys(KeyMethods, Blocking[Context]):
    """The account's API keys."""


class Webhook(WebhookMethods, Blocking[Context]):
    """The account's webhook."""


class Fermata(ClientMethods, Blocking[Context]):
    """A client of one account. Use it as a context manager, or `close` it; threads may share it.

    Without `api_key` and `base_url` it takes `FERMATA_API_KEY` and `FERMATA_BASE_URL`. `http` is a client of yours,
    with a proxy or certificates of its own for example, which you close. Raises `SettingsError`.
    """

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        retries: Retries | None = None,
        http: httpx.Client | None = None,
        clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._driver = Driver(http, sleep)
        super().__init__(context_of(api_key, base_url, retries, clock), self._driver)
        self.keys = Keys(self.subject, self.driver)
        self.webhook = Webhook(self.subject, self.driver)

    def run(
        self,
        model: str,
        *,
        on_update: Callable[[Update], object] | None = None,
        timeout_s: float | None = None,
        idempotency_key: str | None = None,
        **order: Unpack[Order],
    ) -> Handle:
        """Order, wait until the job has succeeded, and return its handle with the tracks.

        Raises a `JobFailedError` where it ended otherwise, and `WaitTimeoutError`, after which the job goes on.
        """
        handle = self.submit(model, idempotency_key=idempotency_key, **order)
        return handle.subscribe(on_update or _ignore, timeout_s=timeout_s)

    def submit(self, model: str, *, idempotency_key: str | None = None, **order: Unpack[Order]) -> Handle:
        """Order, and return the handle of the job at once. Errors name their `idempotency_key`: with it the same order
        is bought once, however often it is repeated within a day.
        """
        flow = submit(self.subject, model, idempotency_key=idempotency_key, **order)
        return Handle(self.driver.run(flow), self.driver)

    def subscribe(
        self,
        model: str,
        on_update: Callable[[Update], object],
        *,
        timeout_s: float | None = None,
        idempotency_key: str | None = None,
        **order: Unpack[Order],
    ) -> Handle:
        """`run` with a call at each look at the job."""
        return self.run(model, on_update=on_update, timeout_s=timeout_s, idempotency_key=idempotency_key, **order)

    def job(self, job_id: str) -> Handle:
        """The handle of a job by its id. It asks nothing."""
        return Handle(JobState(self.subject, job_id), self.driver)

    def close(self) -> None:
        """Close the connections."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _ignore(update: Update) -> None:
    """Nobody wants to know."""
