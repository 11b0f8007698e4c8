"""An HTTP/1.1 server on loopback that prints no tracebacks for clients' errors."""

import contextlib
import errno
import socket
import sys
from threading import Thread
from typing import TYPE_CHECKING, Final

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from local.errors import PortInUseError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

HOST: Final = "127.0.0.1"
SILENCE_LIMIT_S: Final = 65
"""Seconds after which an idle connection is closed."""


def listen(port: int) -> socket.socket:
    """Bind a loopback port, 0 for a free one, and queue connections; raises `PortInUseError`."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(f"port {port} is in use: stop what listens there or pass another --port") from error
        raise PortInUseError(f"cannot listen on port {port}: {error.strerror}; pass another --port") from error
    return listener


class HttpServer:
    """Serves a WSGI application in threads of this process."""

    def __init__(
        self,
        listener: socket.socket,
        application: "WSGIApplication",
        handler: type[WSGIRequestHandler] = WSGIRequestHandler,
    ) -> None:
        self.port: Final[int] = listener.getsockname()[1]
        quiet = type("QuietHandler", (_QuietHandler, handler), {})
        self._listener = listener
        self._server = _QuietServer(HOST, self.port, application, quiet, fd=listener.fileno())
        self._thread = Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True, name=f"http-{self.port}"
        )

    @property
    def url(self) -> str:
        """The server's origin."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Begin to answer, first the connections queued since `listen`."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, without waiting for running requests."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()
        self._listener.close()


class _QuietServer(ThreadedWSGIServer):
    daemon_threads = True
    block_on_close = False

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 (the base class names it so)
        if type == "error":
            last_line = (message % args if args else message).rstrip().rsplit("\n", 1)[-1]
            print(f"request failed: {last_line}", file=sys.stderr)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore the error: the connection broke outside a request."""


class _QuietHandler(WSGIRequestHandler):
    timeout = SILENCE_LIMIT_S

    def run_wsgi(self) -> None:
        try:
            super().run_wsgi()
        except ValueError:
            # A request target that is no URL, such as "//[".
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.send_error(400)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: each application writes its own log."""

    def log_error(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it so)
        """Log nothing: a malformed request is the client's error."""
