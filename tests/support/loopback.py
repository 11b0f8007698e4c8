"""Servers on this machine that answer exactly what a test says, byte by byte, and count who connected."""

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Final

CHUNK: Final = 65_536
Answer = Callable[[socket.socket], None]
_PATIENCE_S: Final = 60
"""A client on a busy machine reads late."""
_FIRST_PORT, _PORTS = 10_000, 22_000
# Processes with neighbouring ids begin 53 ports apart.
_CANDIDATES = (_FIRST_PORT + (os.getpid() * 53 + number) % _PORTS for number in count())


@dataclass
class Loopback:
    """A listening server. `requests` holds the head and body of each request, `connections` counts the rest too."""

    port: int
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def listening(*answers: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Loopback]:
    """Serve on a free port; each connection gets the next answer, the last one again and again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Loopback(listener.getsockname()[1])
        threads: list[threading.Thread] = []

        def accept() -> None:
            while True:
                connection, _ = listener.accept()
                with connection:
                    if server.stopped.is_set():
                        return
                    server.connections += 1
                    _serve(connection, server, answers, tls)

        accepting = threading.Thread(target=accept, daemon=True)
        threads.append(accepting)
        accepting.start()
        try:
            yield server
        finally:
            server.stopped.set()
            # Wakes the accepting thread; closing a socket that another thread waits on does not.
            with suppress(OSError), socket.create_connection(("127.0.0.1", server.port), timeout=5):
                pass
            accepting.join(_PATIENCE_S)
            if accepting.is_alive():
                raise AssertionError("the server did not end; an answer hangs")


def _serve(
    connection: socket.socket, server: Loopback, answers: tuple[Answer, ...], tls: ssl.SSLContext | None
) -> None:
    connection.settimeout(_PATIENCE_S)
    # The client may leave at any moment; that is what many of these tests are about.
    with suppress(OSError):
        wrapped = tls.wrap_socket(connection, server_side=True) if tls else connection
        with wrapped:
            server.requests.append(_read_request(wrapped))
            if answers:
                answers[min(len(server.requests), len(answers)) - 1](wrapped)


def _read_request(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(CHUNK)
        if not piece:
            return received
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(CHUNK)
    return head + b"\r\n\r\n" + body


def respond(
    body: bytes = b"",
    status: str = "200 OK",
    content_type: str = "application/json",
    length: int | None = None,
    **headers: str,
) -> Answer:
    """A whole answer; `length` claims another length than the body has."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", "Connection: close"]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return lambda connection: connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)


def redirect(location: str, status: str = "302 Found") -> Answer:
    return respond(status=status, Location=location)


def close(_connection: socket.socket) -> None:
    """End the connection in good order and without an answer."""


def reset(connection: socket.socket) -> None:
    """End the connection so that the client hears of it as a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def closed_port() -> int:
    """A port on which nobody listens, and which no system gives to a program that asks for any: those are above 32,767,
    and one of them would soon be another worker's. Each process begins elsewhere, and names none twice.
    """
    return next(port for port in _CANDIDATES if _is_free(port))


def _is_free(port: int) -> bool:
    with suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False
