"""The client to await: `AsyncFermata`, the `AsyncHandle` of an order, and its tracks; for asyncio and trio."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import anyio
import anyio.to_thread
import httpx

from fermata_client.core.connection import lost_where_it_fails, request_of, response_of
from fermata_client.core.context import Clock, Context
from fermata_client.core.download import TrackState
from fermata_client.core.flow import Do, Emit, Flow, LostError, Open, Pause, Read, Send, Step, Walk
from fermata_client.core.operation import Awaiting
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

    def __init__(self, http: httpx.AsyncClient, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._http = http
        self._sleep = sleep
        self._open: httpx.Response | None = None
        self._pieces: AsyncIterator[bytes] | None = None

    async def perform(self, step: Step) -> object:
        """Do a step; raises `LostError`, or `OSError` from work on a disk."""
        with lost_where_it_fails():
            match step:
                case Send(request):
                    answer = await self._http.send(request_of(request), follow_redirects=False)
                    return response_of(answer, with_body=True)
                case Open(request):
                    await self.aclose()
                    self._open = await self._http.send(request_of(request), stream=True, follow_redirects=False)
                    self._pieces = self._open.aiter_raw()
                    return response_of(self._open, with_body=False)
                case Read():
                    return await anext(self._pieces, None) if self._pieces else None
                case Pause(seconds):
                    await self._sleep(seconds)
                case Do(work):
                    return await anyio.to_thread.run_sync(work)
                case Emit():
                    raise AssertionError("items are handed on before")
        return None

    async def aclose(self) -> None:
        """Close the answer that is open."""
        if self._open is not None:
            await self._open.aclose()


class AsyncDriver:
    """Performs flows with `await`. Tasks may share it."""

    def __init__(self, http: httpx.AsyncClient | None, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._given = http
        self._http = http
        self._sleep = sleep

    async def run(self, flow: Flow[T]) -> T:
        """What the flow returns; its items are passed over."""
        walk = Walk(flow)
        async with aclosing(self._steps(walk)) as steps:
            async for _ in steps:
                pass
        return walk.result

    async def items(self, flow: Flow[Any]) -> AsyncIterator[Any]:
        """What the flow emits. Nothing happens before the first item is asked for."""
        async with aclosing(self._steps(Walk(flow))) as steps:
            async for item in steps:
                yield item

    async def aclose(self) -> None:
        """Close the connections, but not those of a client that was given."""
        if self._http is not None and self._given is None:
            await self._http.aclose()
            self._http = None

    async def _steps(self, walk: Walk[Any]) -> AsyncGenerator[Any]:
        if self._http is None:
            self._http = httpx.AsyncClient()
        async with aclosing(_Exchange(self._http, self._sleep)) as exchange:
            with walk:
                while (step := walk.step) is not None:
                    if isinstance(step, Emit):
                        yield step.item
                        walk.reply(None)
                        continue
                    try:
                        reply = await exchange.perform(step)
                    except (LostError, OSError) as error:
                        walk.fail(error)
                    else:
                        walk.reply(reply)


class AsyncTrack(TrackMethods, Awaiting[TrackState]):
    """A finished track."""


class AsyncHandle(HandleMethods, Awaiting[JobState]):
    """An order: what can be done with its job. Making one asks nothing."""

    @property
    def tracks(self) -> list[AsyncTrack]:
        """The finished tracks, as the job was last seen; empty until `wait`, `status` or `events` saw it succeed."""
        return [AsyncTrack(state, self.driver) for state in tracks_of(self.subject)]

    async def subscribe(self, on_update: Callable[[Update], object], *, timeout_s: float | None = None) -> Self:
        """Call back at each look at the job until it has succeeded; raises as `wait` does."""
        async for update in self.events(timeout_s=timeout_s):
            on_update(update)
        self.result()
        return self


class AsyncKeys(KeyMethods, Awaiting[Context]):
    """The account's API keys."""


class AsyncWebhook(WebhookMethods, Awaiting[Context]):
    """The account's webhook."""


class AsyncFermata(ClientMethods, Awaiting[Context]):
    """`Fermata` to await. Use it as an asynchronous context manager, or `aclose` it; tasks of one loop may share it."""

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        retries: Retries | None = None,
        http: httpx.AsyncClient | None = None,
        clock: Clock | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._driver = AsyncDriver(http, sleep)
        super().__init__(context_of(api_key, base_url, retries, clock), self._driver)
        self.keys = AsyncKeys(self.subject, self.driver)
        self.webhook = AsyncWebhook(self.subject, self.driver)

    async def run(
        self,
        model: str,
        *,
        on_update: Callable[[Update], object] | None = None,
        timeout_s: float | None = None,
        idempotency_key: str | None = None,
        **order: Unpack[Order],
    ) -> AsyncHandle:
        """Order, wait until the job has succeeded, and return its handle with the tracks; raises as `Fermata.run`."""
        handle = await self.submit(model, idempotency_key=idempotency_key, **order)
        return await handle.subscribe(on_update or _ignore, timeout_s=timeout_s)

    async def submit(self, model: str, *, idempotency_key: str | None = None, **order: Unpack[Order]) -> AsyncHandle:
        """Order, and return the handle of the job at once; raises as `Fermata.submit`."""
        flow = submit(self.subject, model, idempotency_key=idempotency_key, **order)
        return AsyncHandle(await self.driver.run(flow), self.driver)

    async def subscribe(
        self,
        model: str,
        on_update: Callable[[Update], object],
        *,
        timeout_s: float | None = None,
        idempotency_key: str | None = None,
        **order: Unpack[Order],
    ) -> AsyncHandle:
        """`run` with a call at each look at the job."""
        return await self.run(model, on_update=on_update, timeout_s=timeout_s, idempotency_key=idempotency_key, **order)

    def job(self, job_id: str) -> AsyncHandle:
        """The handle of a job by its id. It asks nothing."""
        return AsyncHandle(JobState(self.subject, job_id), self.driver)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._driver.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _ignore(update: Update) -> None:
    """Nobody wants to know."""
