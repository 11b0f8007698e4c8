"""Every call that leaves a function in this process comes by here, and may be the last thing it does."""

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from fermata.adapters.dynamodb.client import DynamoClient
from fermata.adapters.http.transport import DeadlineTransport
from tests.crash.cuts import When
from tests.support import direct_dynamodb

_AN_ID = re.compile(r"(?=.*\d)[\w.:%=&-]{12,}")
_KEY_FIELDS = ("Key", "Item")


class Killed(BaseException):
    """The function's process is gone. Nothing of the function may catch it."""


class Gate:
    """What one invocation does outside. `is_deadly` is asked at each moment, with its number from 0; past the moment
    where it says so nothing leaves any more: what still runs then (`finally`, context managers) would not run in a
    process that was killed. With `instead` nobody dies: that happens, and then the invocation goes on.
    """

    def __init__(
        self, is_deadly: Callable[[int, str, When], bool], instead: Callable[[], object] | None = None
    ) -> None:
        self.events: list[tuple[str, When]] = []
        self.dead = False
        self.over = threading.Event()
        """Set when the invocation has ended, one way or the other."""
        self._is_deadly, self._instead = is_deadly, instead

    def passes(self, call: str, when: When) -> None:
        """Note a moment; raises `Killed` where it is the last one."""
        if self.dead:
            raise Killed
        self.events.append((call, when))
        if not self._is_deadly(len(self.events) - 1, call, when):
            return
        if self._instead is None:
            self.dead = True
            self.over.set()
            raise Killed
        self._instead()


_THIS_THREAD = threading.local()


def enter(gate: Gate | None) -> None:
    """Let the calls of this thread pass `gate`, or none."""
    _THIS_THREAD.gate = gate


def _gate() -> Gate | None:
    return getattr(_THIS_THREAD, "gate", None)


# The one way of all calls, which the stubs do not know.
_CALL_AWS: Callable[..., Any] = vars(BaseClient)["_make_api_call"]


def _call_aws(client: BaseClient, operation: str, params: dict[str, Any]) -> Any:  # noqa: ANN401 - any answer
    if client.meta.service_model.service_name == "dynamodb" and direct_dynamodb.answers(operation):
        return direct_dynamodb.call(client, operation, params)
    return _CALL_AWS(client, operation, params)


def watch_dynamodb() -> None:
    """Put a gate around the functions' own client of DynamoDB, and have moto answer it directly."""

    def call(_: DynamoClient, operation: str, **params: object) -> dict[str, Any]:
        gate = _gate()
        if gate is None:
            return direct_dynamodb.answer(operation, params)
        name = f"dynamodb.{operation}{_resource(params)}"
        gate.passes(name, When.BEFORE)
        try:
            # As below.
            enter(None)
            answer = direct_dynamodb.answer(operation, params)
        except ClientError:
            gate.passes(name, When.AFTER)
            raise
        finally:
            enter(gate)
        gate.passes(name, When.AFTER)
        return answer

    setattr(DynamoClient, DynamoClient.call.__name__, call)


def watch_every_call() -> None:
    """Put gates around the two other ways out: the AWS SDK's API calls and httpx's transport."""
    call_http = DeadlineTransport.handle_request

    def make_api_call(self: BaseClient, operation_name: str, api_params: dict[str, Any]) -> Any:  # noqa: ANN401
        gate = _gate()
        if gate is None:
            return _call_aws(self, operation_name, api_params)
        call = f"{self.meta.service_model.service_name}.{operation_name}{_resource(api_params)}"
        gate.passes(call, When.BEFORE)
        try:
            # What the emulator does on its side, an event of the machine's for one, is no call of the function.
            enter(None)
            answer = _call_aws(self, operation_name, api_params)
        except ClientError:
            gate.passes(call, When.AFTER)
            raise
        finally:
            enter(gate)
        gate.passes(call, When.AFTER)
        if hasattr(answer.get("Body"), "iter_chunks"):
            answer["Body"] = _Body(answer["Body"], gate, call)
        return answer

    def handle_request(self: DeadlineTransport, request: httpx.Request) -> httpx.Response:
        gate = _gate()
        if gate is None:
            return call_http(self, request)
        call = f"{request.method} {_place(request.url)}"
        gate.passes(call, When.BEFORE)
        if request.method == "POST":
            request.stream = _Stream(request.stream, gate, call, When.SENDING)
        response = call_http(self, request)
        gate.passes(call, When.AFTER)
        response.stream = _Stream(response.stream, gate, call, When.READING)
        return response

    setattr(BaseClient, _CALL_AWS.__name__, make_api_call)
    DeadlineTransport.handle_request = handle_request  # type: ignore[method-assign]


class _Stream(httpx.SyncByteStream):
    """A body of which a first piece passes before the moment in its middle."""

    def __init__(self, inner: Any, gate: Gate, call: str, when: When) -> None:  # noqa: ANN401 - httpx's union of streams
        self._inner, self._gate, self._call, self._when = inner, gate, call, when

    def __iter__(self) -> Iterator[bytes]:
        pieces = iter(self._inner)
        first = next(pieces, b"")
        half = len(first) // 2
        yield first[:half]
        self._gate.passes(self._call, self._when)
        yield first[half:]
        yield from pieces

    def close(self) -> None:
        if hasattr(self._inner, "close"):
            self._inner.close()


class _Body:
    """The streamed body of an object of S3."""

    def __init__(self, inner: Any, gate: Gate, call: str) -> None:  # noqa: ANN401 - botocore's body has no type
        self._inner, self._gate, self._call = inner, gate, call

    def iter_chunks(self, chunk_size: int) -> Iterator[bytes]:
        for number, chunk in enumerate(self._inner.iter_chunks(chunk_size)):
            if number == 0:
                self._gate.passes(self._call, When.READING)
            yield chunk

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._inner, name)


def _resource(params: dict[str, Any]) -> str:
    """What kind of thing a call is about: partitions of the table and folders of the bucket, without ids."""
    if "Bucket" in params:
        return f" {str(params.get('Key', params.get('Prefix', ''))).partition('/')[0]}/"
    writes = [next(iter(item.values())) for item in params.get("TransactItems", ())] or [params]
    keys = [write[field] for write in writes for field in _KEY_FIELDS if field in write]
    values = [key["pk"] for key in keys if "pk" in key]
    values += [value for name, value in params.get("ExpressionAttributeValues", {}).items() if name == ":pk"]
    kinds = sorted({str(value["S"]).partition("#")[0] for value in values})
    return f" {'+'.join(kinds)}" if kinds else ""


def _place(url: httpx.URL) -> str:
    parts = ["*" if _AN_ID.fullmatch(part) else part for part in url.path.split("/")]
    return "/".join(parts)
