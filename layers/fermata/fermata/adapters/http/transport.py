"""An httpx transport with one absolute deadline for a whole exchange, and with addresses that are checked
before use.
"""

import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPMethod, HTTPStatus
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, cast

import httpcore
import httpx

from fermata import __version__
from fermata.adapters.http.bodies import BodyOutOfBoundsError
from fermata.errors import FermataError

# httpx logs every URL at INFO, signed query strings included.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)

SocketOption = tuple[int, int, int]
Resolver = Callable[[str, int], list[str]]

USER_AGENT: Final = f"Fermata/{__version__}"
"""The `User-Agent` of every request; some networks refuse those of HTTP libraries."""

_BLOCK_BYTES: Final = 256 * 1024
_WITHOUT_BODY: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})

KEEP_ALIVE_IDLE_S: Final = 60
"""Below the 350 s after which NAT gateways and load balancers drop a silent connection (AWS NAT gateway documentation).
"""


def keep_alive_options() -> list[SocketOption]:
    """Socket options that keep a silent connection alive; macOS calls the idle time TCP_KEEPALIVE."""
    idle = getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE", None)
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    if idle is not None:
        options.append((socket.IPPROTO_TCP, idle, KEEP_ALIVE_IDLE_S))
    if hasattr(socket, "TCP_KEEPINTVL"):
        options.append((socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEP_ALIVE_IDLE_S))
    return options


def resolve(host: str, port: int) -> list[str]:
    """Every address of a host from the system's resolver; raises `OSError`."""
    try:
        return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except UnicodeError:
        raise OSError(f"{host} is no name: a label is empty or too long") from None


@dataclass(frozen=True)
class SlowestRate:
    """The lowest acceptable rate: `window_bytes` bytes in each `window_s` seconds of `clock`. The first window begins
    with the first bytes, each further one when the previous one was checked.
    """

    window_bytes: int
    window_s: float
    clock: Callable[[], float] = time.monotonic


class DeadlineBackend(httpcore.NetworkBackend):
    """Connects to the first of a host's addresses that accepts, and ends every socket operation at `deadline` (a value
    of `time.monotonic()`).

    A connection that sends more than `most_bytes` raises `BodyOutOfBoundsError`. All bytes count, because headers, the
    framing of a body and interim responses have no length of their own. A connection slower than `slowest` raises
    `httpcore.ReadTimeout`.
    """

    def __init__(
        self, deadline: float, addresses_of: Resolver, most_bytes: int, slowest: SlowestRate | None = None
    ) -> None:
        self._deadline = deadline
        self._most_bytes = most_bytes
        self._slowest = slowest
        self._addresses_of = addresses_of
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve and connect, both within the deadline; TLS still verifies the host's name."""
        try:
            addresses = _within(_left(self._deadline, timeout, httpcore.ConnectTimeout), self._addresses_of, host, port)
        except Empty:
            raise httpcore.ConnectTimeout(f"{host} was not resolved in time") from None
        except OSError as error:
            raise httpcore.ConnectError(f"cannot resolve {host}") from error
        failure: httpcore.ConnectError | httpcore.ConnectTimeout = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            left = _left(self._deadline, timeout, httpcore.ConnectTimeout)
            try:
                stream = self._inner.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return BoundedStream(stream, self._deadline, self._most_bytes, self._slowest)
        raise failure


def _within(seconds: float, resolver: Resolver, host: str, port: int) -> list[str]:
    """The resolver's addresses; raises `Empty` after `seconds`. The system's resolver cannot be interrupted, so it runs
    in a daemon thread, which is abandoned and ends when the system gives up.
    """
    answers: SimpleQueue[list[str] | OSError | FermataError] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(resolver(host, port))
        except (OSError, FermataError) as error:
            answers.put(error)

    try:
        Thread(target=ask, name="resolve", daemon=True).start()
    except RuntimeError as error:
        raise OSError("no thread is left to ask for an address") from error
    found = answers.get(timeout=seconds)
    if isinstance(found, OSError | FermataError):
        raise found
    return found


class BoundedStream(httpcore.NetworkStream):
    """A connection with the bounds of its `DeadlineBackend`."""

    def __init__(
        self, inner: httpcore.NetworkStream, deadline: float, most_bytes: int, slowest: SlowestRate | None = None
    ) -> None:
        self._inner = inner
        self._deadline = deadline
        self._most_bytes = most_bytes
        self._slowest = slowest
        self._read_bytes = 0
        self._window_began_s: float | None = None
        self._window_bytes = 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The next bytes; empty at the end of the stream. Raises as `DeadlineBackend` says."""
        found = self._inner.read(max_bytes, _left(self._deadline, timeout, httpcore.ReadTimeout))
        self._read_bytes += len(found)
        if self._read_bytes > self._most_bytes:
            raise BodyOutOfBoundsError(f"longer than {self._most_bytes} bytes on its way")
        if found and self._slowest is not None:
            self._check_rate(len(found), self._slowest)
        return found

    def _check_rate(self, read_bytes: int, slowest: SlowestRate) -> None:
        now = slowest.clock()
        began_s = self._window_began_s = now if self._window_began_s is None else self._window_began_s
        self._window_bytes += read_bytes
        if now - began_s < slowest.window_s:
            return
        if self._window_bytes < slowest.window_bytes:
            raise httpcore.ReadTimeout(
                f"expected at least {slowest.window_bytes} bytes in {slowest.window_s} s, got {self._window_bytes}"
            )
        self._window_began_s, self._window_bytes = now, 0

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes before the deadline."""
        self._inner.write(buffer, _left(self._deadline, timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same connection inside TLS, with the same bounds."""
        left = _left(self._deadline, timeout, httpcore.ConnectTimeout)
        return BoundedStream(
            self._inner.start_tls(ssl_context, server_hostname, left), self._deadline, self._most_bytes, self._slowest
        )

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - the signature of httpcore
        """Details of the underlying connection."""
        return self._inner.get_extra_info(info)


def _left(deadline: float, timeout: float | None, error: type[Exception]) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise error("the deadline of the call has passed")
    return left if timeout is None else min(left, timeout)


class DeadlineTransport(httpx.HTTPTransport):
    """httpx's transport over a pool with a `DeadlineBackend`. Each exchange opens a connection, because a pooled one
    may be dead, and a paid request on a dead connection has an unknown outcome. `connect_retries` repeats only a failed
    TCP or TLS connect.
    """

    def __init__(self, backend: DeadlineBackend, connect_retries: int) -> None:
        super().__init__(verify=tls_context())
        # httpx has no public way to give its pool a network backend; tests cover this use of its internals.
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls_context(),
            max_connections=1,
            max_keepalive_connections=0,
            http1=True,
            http2=False,
            retries=connect_retries,
            network_backend=backend,
            socket_options=keep_alive_options(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. `Location` moves from the headers to `locations`, because httpx parses the header even when
        it follows no redirect, and rejects an answer whose `Location` it cannot parse.
        """
        response = super().handle_request(request)
        found = [value for name, value in response.headers.raw if name.lower() == b"location"]
        if found:
            del response.headers["location"]
        response.extensions["locations"] = found
        length = _length(request, response)
        if length is not None:
            response.stream = _BodyOfKnownLength(response, length, request.extensions["timeout"]["read"])
        return response


def _length(request: httpx.Request, response: httpx.Response) -> int | None:
    """The length of a body that only its length ends, as h11 reads the headers too, or None."""
    if request.method == HTTPMethod.HEAD or response.status_code in _WITHOUT_BODY:
        return None
    found = response.headers.get("content-length", "")
    is_known = "transfer-encoding" not in response.headers and found.isascii() and found.isdigit()
    return int(found) if is_known else None


class _BodyOfKnownLength(httpx.SyncByteStream):
    """A body that is read from its connection, because h11 copies every byte three times. It raises as httpx does.

    h11 hands on what came with the head as the first piece, whole, and holds nothing back; a test covers that.
    """

    def __init__(self, response: httpx.Response, length: int, timeout_s: float | None) -> None:
        self._through_h11 = cast("httpx.SyncByteStream", response.stream)
        self._line: httpcore.NetworkStream = response.extensions["network_stream"]
        self._length = length
        self._timeout_s = timeout_s

    def __iter__(self) -> Iterator[bytes]:
        # The connection is open for as long as this iterator lives.
        begun = iter(self._through_h11)
        if first := next(begun, b""):
            yield first
        left = self._length - len(first)
        while left:
            piece = self._read(min(left, _BLOCK_BYTES))
            left -= len(piece)
            yield piece

    def close(self) -> None:
        """Close the connection."""
        self._through_h11.close()

    def _read(self, most_bytes: int) -> bytes:
        try:
            piece = self._line.read(most_bytes, self._timeout_s)
        except httpcore.ReadTimeout as error:
            raise httpx.ReadTimeout(str(error)) from error
        except httpcore.ReadError as error:
            raise httpx.ReadError(str(error)) from error
        if not piece:
            raise httpx.RemoteProtocolError("the connection ended before the body was whole")
        return piece


def locations(response: httpx.Response) -> list[bytes]:
    """The distinct values of an answer's `Location` headers, as sent."""
    return list(dict.fromkeys(response.extensions["locations"]))


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """The TLS settings of every connection; they verify the certificate and the host's name."""
    return httpx.create_ssl_context()
