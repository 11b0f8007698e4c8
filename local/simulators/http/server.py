"""The sockets of a simulator: a loopback HTTP/1.1 server in daemon threads."""

import contextlib
import selectors
import socket
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock, Thread
from typing import Final

from local.simulators.http.connection import BadRequestError, ClientGoneError, Connection
from local.simulators.http.exchange import Outcome, Request, simulator_error
from local.simulators.request_log import RequestLog

_RETRY_S: Final = 0.05
_STOP_S: Final = 3.0


class HttpServer:
    """Listens on 127.0.0.1 at once, and serves from `start` until `stop`."""

    def __init__(self, port: int, log_path: Path | None) -> None:
        """Port 0 means any free one. Raises `OSError` where the port is in use or the log cannot be written."""
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self._wake, self._woken = socket.socketpair()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        try:
            self.log = RequestLog(log_path)
        except OSError:
            self._listener.close()
            raise
        self._lock = Lock()
        self._open: dict[socket.socket, Thread] = {}

    def start(self, respond: Callable[[Request], Outcome]) -> None:
        """Answer requests with `respond`, in one thread per connection."""
        self._acceptor = Thread(target=self._accept, args=(respond,), daemon=True, name=f"simulator {self.url}")
        self._acceptor.start()

    def stop(self) -> None:
        """Accept no more connections, close the open ones and wait a moment for their threads."""
        deadline = time.monotonic() + _STOP_S
        self._wake.close()
        self._acceptor.join(_STOP_S)
        self._listener.close()
        with self._lock:
            threads = list(self._open.values())
            for client in self._open:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self.log.close()

    def _accept(self, respond: Callable[[Request], Outcome]) -> None:
        with self._woken, selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            selector.register(self._listener, selectors.EVENT_READ)
            while all(key.fileobj is self._listener for key, _ in selector.select()):
                try:
                    client, _ = self._listener.accept()
                except OSError:
                    # Temporary, for example when file descriptors run out.
                    time.sleep(_RETRY_S)
                    continue
                self._take(client, respond)

    def _take(self, client: socket.socket, respond: Callable[[Request], Outcome]) -> None:
        thread = Thread(target=self._serve, args=(client, respond), daemon=True, name=f"simulator client {self.url}")
        with self._lock:
            self._open[client] = thread
        try:
            thread.start()
        except RuntimeError:
            # No thread can be started for this client; a later one may succeed.
            with self._lock:
                del self._open[client]
            client.close()

    def _serve(self, client: socket.socket, respond: Callable[[Request], Outcome]) -> None:
        try:
            self._converse(Connection(client), respond)
        except (OSError, ClientGoneError):
            # The client left, which is no error.
            pass
        finally:
            with self._lock:
                del self._open[client]
            client.close()

    def _converse(self, connection: Connection, respond: Callable[[Request], Outcome]) -> None:
        try:
            while (request := connection.next_request()) is not None:
                self._exchange(connection, request, respond)
        except BadRequestError as error:
            self.log.write(method="?", path="?", status=error.status, ms=0, fault=None, prompt_sha256=None)
            connection.refuse(error)

    def _exchange(self, connection: Connection, request: Request, respond: Callable[[Request], Outcome]) -> None:
        arrived, status = time.monotonic(), None
        outcome = _outcome(request, respond)
        try:
            status = connection.deliver(outcome.answer, arrived + outcome.answer.after_s)
        finally:
            outcome.ended()
            self.log.write(
                method=request.method,
                path=request.path,
                status=status,
                ms=round((time.monotonic() - arrived) * 1000),
                fault=outcome.fault.loggable if outcome.fault else None,
                prompt_sha256=outcome.prompt_sha256,
            )


def _outcome(request: Request, respond: Callable[[Request], Outcome]) -> Outcome:
    try:
        return respond(request)
    except Exception as error:  # noqa: BLE001 - the edge: an error of the simulator itself must reach the test as an answer
        return Outcome(simulator_error(500, f"the simulator itself failed with {type(error).__name__}: {error}"))
