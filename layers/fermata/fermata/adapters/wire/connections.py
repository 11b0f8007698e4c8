"""Connections to AWS that are kept, over the standard library; a failure is the error that botocore raises for it."""

import ssl
from functools import lru_cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from select import POLLIN, poll
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from weakref import finalize

from fermata.adapters.wire.answer import Answer, Times, ca_bundle, lower_case
from fermata.variables import names_a_proxy

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.exceptions import BotoCoreError

    from fermata.adapters.wire.signature import Request

_KEPT: Final = 10


def sender(times: Times) -> "Callable[[Request], Answer]":
    """What sends a request and reads its whole answer: our connections, or botocore's where variables name a proxy.

    It raises botocore's `HTTPClientError` or `ConnectionError` where no whole answer came.
    """
    if names_a_proxy():
        from fermata.adapters.wire.proxies import through_proxies

        return through_proxies(times)
    return Connections(times).send


class Connections:
    """Kept connections to the address of one service, which threads may share."""

    def __init__(self, times: Times) -> None:
        self._times = times
        self._kept: list[HTTPConnection] = []
        # Not by `__del__`, which would run where the interpreter has already lost what it needs.
        finalize(self, _close, self._kept)

    def send(self, request: "Request") -> Answer:
        """Send a request and read its whole answer."""
        connection = self._usable() or self._connected(request.url)
        try:
            connection.request(request.method, _target(request.url), request.body, dict(request.headers))
            response = connection.getresponse()
            answer = Answer(response.status, lower_case(response.headers.items()), response.read())
        except (OSError, HTTPException) as error:
            connection.close()
            raise _lost(error, request) from error
        if not response.will_close and len(self._kept) < _KEPT:
            self._kept.append(connection)
        else:
            connection.close()
        return answer

    def _usable(self) -> HTTPConnection | None:
        while self._kept:
            try:
                connection = self._kept.pop()
            except IndexError:
                # Another thread took the last one.
                break
            if not _was_closed(connection):
                return connection
            connection.close()
        return None

    def _connected(self, url: str) -> HTTPConnection:
        parts = urlsplit(url)
        host = parts.hostname or ""
        connection = (
            HTTPSConnection(host, parts.port, timeout=self._times.connect_s, context=_trust(ca_bundle()))
            if parts.scheme == "https"
            else HTTPConnection(host, parts.port, timeout=self._times.connect_s)
        )
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise _unconnected(error, url) from error
        connection.sock.settimeout(self._times.read_s)
        return connection


def _close(connections: list[HTTPConnection]) -> None:
    for connection in connections:
        connection.close()


@lru_cache(maxsize=1)
def _trust(bundle: str | None) -> ssl.SSLContext:
    from certifi import where

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["http/1.1"])
    context.load_verify_locations(bundle or where())
    return context


def _was_closed(connection: HTTPConnection) -> bool:
    """Whether the other side has ended a connection that nothing was asked on."""
    looked = poll()
    looked.register(connection.sock, POLLIN)
    return bool(looked.poll(0))


def _target(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def _unconnected(error: OSError, url: str) -> "BotoCoreError":
    from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, SSLError

    if isinstance(error, ssl.SSLError):
        return SSLError(endpoint_url=url, error=error)
    if isinstance(error, TimeoutError):
        return ConnectTimeoutError(endpoint_url=url, error=error)
    return EndpointConnectionError(endpoint_url=url, error=error)


def _lost(error: Exception, request: "Request") -> "BotoCoreError":
    from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

    if isinstance(error, TimeoutError):
        return ReadTimeoutError(endpoint_url=request.url, error=error)
    return ConnectionClosedError(endpoint_url=request.url, error=error)
