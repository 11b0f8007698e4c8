"""The Lambda Runtime API (2018-06-01) for one execution environment.

Each environment has its own port, because the runtime client does not identify its environment.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final, Protocol

from local.deploy.deployment import ACCOUNT_ID, REGION

MAX_ANSWER_BYTES: Final = 6_291_556
"""Lambda's limit for the answer of a synchronous invocation (slightly above 6 MB)."""


@dataclass(frozen=True)
class Invocation:
    """One invocation for an environment; `deadline_ms` is Unix time."""

    request_id: str
    function_name: str
    payload: bytes
    deadline_ms: int


class EnvironmentSide(Protocol):
    """The environment behind one runtime client."""

    def next_invocation(self) -> Invocation | None:
        """Block until there is an invocation; None when the environment is to end."""

    def answered(self, request_id: str, payload: bytes, *, failed: bool) -> None:
        """Accept the answer, or the error, of an invocation."""

    def failed_to_start(self, payload: bytes) -> None:
        """Accept the error of importing the handler."""


class RuntimeApi:
    """Serves one environment; `address` is the value for `AWS_LAMBDA_RUNTIME_API`."""

    def __init__(self, environment: EnvironmentSide) -> None:
        self._server = _Server(environment)
        self.address: Final = f"127.0.0.1:{self._server.server_port}"
        Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.5}, daemon=True, name="runtime-api"
        ).start()

    def stop(self) -> None:
        """Stop listening; takes up to half a second."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, environment: EnvironmentSide) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.environment = environment

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore the error: the environment was killed during a request, and its watcher reports its end."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536
    server: _Server

    def do_GET(self) -> None:
        invocation = self.server.environment.next_invocation()
        if invocation is None:
            self._send(410, b"{}")
            return
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{invocation.function_name}"
        root = invocation.request_id.replace("-", "")
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": arn,
            "Lambda-Runtime-Trace-Id": f"Root=1-{root[:8]}-{root[8:]};Sampled=0",
        }
        self._send(200, invocation.payload, headers)

    def do_POST(self) -> None:
        body = self._chunks() if "chunked" in self.headers.get("Transfer-Encoding", "") else self._sized()
        *_, subject, verb = self.path.split("/")
        if (subject, verb) == ("init", "error"):
            self._report(lambda: self.server.environment.failed_to_start(body))
        elif verb == "response" and len(body) > MAX_ANSWER_BYTES:
            self._report(lambda: self.server.environment.answered(subject, _too_large(), failed=True))
        else:
            self._report(lambda: self.server.environment.answered(subject, body, failed=verb == "error"))

    def _report(self, deliver: Callable[[], None]) -> None:
        # The receipt comes first, because the next invocation may arrive as soon as the caller has the answer.
        self._send(202, b"{}")
        deliver()

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _sized(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> bytes:
        body = bytearray()
        while size := int(self.rfile.readline().strip() or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it so)
        """Log nothing; invocations are logged elsewhere."""


def _too_large() -> bytes:
    message = f"Response payload size exceeded maximum allowed payload size ({MAX_ANSWER_BYTES} bytes)."
    return json.dumps({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}).encode()
