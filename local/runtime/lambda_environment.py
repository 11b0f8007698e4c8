"""One execution environment of a function: a child process that runs AWS's runtime client with the handler."""

import contextlib
import queue
import signal
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Final, Protocol
from uuid import uuid4

from local.deploy.deployment import FunctionSpec
from local.logs import JsonLines, as_record, now
from local.runtime.fork_server import ForkServer, FunctionProcess
from local.runtime.function_environment import function_environment
from local.runtime.lambda_answers import Answer, error_answer, error_type
from local.runtime.runtime_api import Invocation, RuntimeApi

INIT_LIMIT_S: Final = 90.0
"""Seconds to import a handler. Lambda allows 10; a busy laptop starts a dozen environments on two cores."""


@dataclass
class Call:
    """One pending invocation."""

    payload: bytes
    request_id: str = field(default_factory=lambda: str(uuid4()))
    answer: Future[Answer] = field(default_factory=Future)
    asked: float = field(default_factory=time.monotonic)
    """Monotonic seconds when the call was submitted."""
    started: float = 0.0
    """Monotonic seconds when an environment took it."""


class Pool(Protocol):
    """The owner of environments, which assigns their calls."""

    def became_idle(self, environment: "LambdaEnvironment") -> None:
        """The environment waits for an invocation."""

    def answered(self, environment: "LambdaEnvironment", call: Call, answer: Answer) -> None:
        """The environment answered a call."""

    def ended(self, environment: "LambdaEnvironment", call: Call | None, answer: Answer) -> None:
        """The environment ended, with the running call, if any."""

    def gave_back(self, environment: "LambdaEnvironment", call: Call) -> None:
        """The environment returns a call that it did not begin."""


@dataclass(frozen=True)
class _Timed:
    """What an environment does since `begun` (monotonic seconds), and may do for `limit_s`."""

    begun: float
    limit_s: float

    def is_over(self, instant: float, crowding: float) -> bool:
        """Tell whether it takes too long, of whose seconds it could use one in `crowding`."""
        return instant - self.begun > self.limit_s * crowding


_UNTIMED: Final = _Timed(0.0, float("inf"))


class LambdaEnvironment:
    """Runs one invocation at a time; ends after a timeout or a crash."""

    def __init__(
        self, spec: FunctionSpec, endpoint_url: str, credentials: Mapping[str, str], log: JsonLines, pool: Pool
    ) -> None:
        self.spec: Final = spec
        self.ready: Final[Future[None]] = Future()
        self.gone: Final = Event()
        self._endpoint_url, self._credentials, self._log, self._pool = endpoint_url, credentials, log, pool
        self._inbox: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._lock = Lock()
        self._call: Call | None = None
        self._final_answer: Answer | None = None
        self._child: FunctionProcess | None = None
        self._ended = False
        self._timed = _Timed(time.monotonic(), INIT_LIMIT_S)

    def start(self, server: ForkServer) -> None:
        """Start the child; raises `OSError`."""
        api = RuntimeApi(self)
        environment = function_environment(self.spec, self._endpoint_url, api.address, self._credentials)
        try:
            self._child = child = server.start(self.spec, environment)
        except OSError:
            api.stop()
            raise
        Thread(target=self._watch, args=(child, api), daemon=True, name=f"watch-{self.spec.logical_id}").start()

    def give(self, call: Call) -> None:
        """Run a call; the environment must be idle."""
        self._inbox.put(call)

    def kill(self) -> None:
        """Kill the child."""
        self._inbox.put(None)
        if self._child is not None:
            self._child.kill()

    def end_if_overdue(self, instant: float, crowding: float) -> None:
        """Kill the child if its call or its start exceeds the timeout at `instant` (monotonic seconds), of which it
        could use one in `crowding`.
        """
        if not self._timed.is_over(instant, crowding):
            return
        with self._lock:
            child = self._child
            overdue = child is not None and self._timed.is_over(instant, crowding) and not self._ended
            if overdue and self._final_answer is None:
                self._final_answer = self._timed_out()
        if overdue and child is not None:
            child.kill()

    def next_invocation(self) -> Invocation | None:
        """Block until there is a call, and start its timeout; None where the environment is to end."""
        with self._lock:
            self._timed = _UNTIMED
            if not self.ready.done():
                self.ready.set_result(None)
        self._pool.became_idle(self)
        call = self._inbox.get()
        if call is None:
            return None
        with self._lock:
            ended = self._ended
            if not ended:
                call.started = time.monotonic()
                self._call, self._timed = call, _Timed(call.started, self.spec.timeout_s)
        if ended:
            self._pool.gave_back(self, call)
            return None
        deadline_ms = int((time.time() + self.spec.timeout_s) * 1000)
        return Invocation(call.request_id, self.spec.name, call.payload, deadline_ms)

    def answered(self, request_id: str, payload: bytes, *, failed: bool) -> None:
        """Pass an answer on, unless the call has already timed out."""
        with self._lock:
            call = self._call
            if call is None or call.request_id != request_id or self._final_answer is not None:
                return
            self._call, self._timed = None, _UNTIMED
        self._report(call, "error" if failed else "success")
        self._pool.answered(self, call, Answer(payload, failed))

    def failed_to_start(self, payload: bytes) -> None:
        """Keep the error of a failed start; the child ends by itself."""
        with self._lock:
            self._final_answer = Answer(payload, failed=True)

    def _watch(self, child: FunctionProcess, api: RuntimeApi) -> None:
        with child.output:
            for line in child.output:
                if text := line.decode("utf-8", "replace").rstrip("\r\n"):
                    self._log.write(as_record(text))
        status = -signal.SIGKILL
        # A process that could not be forked, or whose parent was killed, counts as killed.
        with contextlib.suppress(OSError):
            status = child.status.result()
        with self._lock:
            self._ended = True
            call, self._call = self._call, None
            answer = self._final_answer or _exit_error(call, status)
            if not self.ready.done():
                self.ready.set_exception(FunctionStartError(self.spec.logical_id, answer))
        if call is not None:
            self._report(call, "timeout" if b"Sandbox.Timedout" in answer.payload else "failure")
        self._pool.ended(self, call, answer)
        self._inbox.put(None)
        api.stop()
        self.gone.set()

    def _timed_out(self) -> Answer:
        request_id = self._call.request_id if self._call else str(uuid4())
        limit = self.spec.timeout_s if self._call else INIT_LIMIT_S
        return error_answer(
            "Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {limit:.2f} seconds"
        )

    def _report(self, call: Call, status: str) -> None:
        metrics = {"durationMs": round((time.monotonic() - call.started) * 1000, 1)}
        record = {"requestId": call.request_id, "status": status, "metrics": metrics}
        self._log.write({"time": now(), "type": "platform.report", "record": record})


class FunctionStartError(Exception):
    """A handler could not be imported; the message names the function and the error type, never a payload."""

    def __init__(self, logical_id: str, answer: Answer) -> None:
        super().__init__(f"{logical_id} does not start: {error_type(answer)}; see its log")


def _exit_error(call: Call | None, status: int) -> Answer:
    """Return Lambda's error for a runtime that ended by itself; a negative status is a signal's number."""
    if status == 0:
        reason = "Runtime exited without providing a reason"
    elif status < 0:
        reason = f"Runtime exited with error: signal: {(signal.strsignal(-status) or str(-status)).lower()}"
    else:
        reason = f"Runtime exited with error: exit status {status}"
    request_id = call.request_id if call else str(uuid4())
    return error_answer("Runtime.ExitError", f"RequestId: {request_id} Error: {reason}")
