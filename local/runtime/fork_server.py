"""Client of the fork server, which forks function processes that have the handlers' imports already loaded."""

import contextlib
import itertools
import json
import os
import socket
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import Lock, Thread
from typing import IO, Any, Final

from local.deploy.deployment import FunctionSpec
from local.runtime.handler_imports import first_imports_of, imports_of

_SERVICES: Final = ("dynamodb", "s3", "stepfunctions", "secretsmanager", "events", "ssm")
"""The services of AWS that functions use most."""
_PROGRAM: Final = Path(__file__).with_name("fork_server_main.py")


class FunctionProcess:
    """One process of a function; `output` is the stream of its stdout and stderr, which ends with the process."""

    def __init__(self, server: "ForkServer", number: int) -> None:
        read_end, self.write_end = os.pipe()
        self.output: Final[IO[bytes]] = os.fdopen(read_end, "rb")
        self.number: Final = number
        self.pid: Final[Future[int]] = Future()
        self.status: Final[Future[int]] = Future()
        """Exit status, or the negative number of the signal that ended it; `OSError` where it could not start."""
        self._server = server

    def kill(self) -> None:
        """Kill the process; no effect if it has ended."""
        # Only the parent of a process knows that its id has not been reused.
        self.pid.add_done_callback(lambda pid: None if pid.exception() else self._server.kill(pid.result()))


class ForkServer:
    """Starts the processes of functions that share their layers."""

    def __init__(
        self, interpreter: Path, functions: Sequence[FunctionSpec], lifeline: int, *, at_once: bool = False
    ) -> None:
        """With `at_once`, start processes before the modules that handlers import late are imported: the first process
        comes sooner, and each of the first ones takes more time.
        """
        first = first_imports_of(functions) if at_once else imports_of(functions)
        late = [name for name in imports_of(functions) if name not in first] if at_once else []
        self._numbers = itertools.count(1)
        self._lock = Lock()
        self._requested: dict[int, FunctionProcess] = {}
        self._running: dict[int, FunctionProcess] = {}
        self._retired = False
        self._control, server_end = socket.socketpair()
        with server_end:
            self._server = subprocess.Popen(
                [interpreter, "-P", _PROGRAM, str(server_end.fileno()), str(lifeline)],
                env=_environment_of_all(functions),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(server_end.fileno(), lifeline),
                process_group=0,
            )
        # One process alone reads no more than it needs, and a reload does not wait for what others need.
        services = _SERVICES if len(functions) > 1 and not at_once else ()
        self._send({"first": first, "late": late, "services": services})
        Thread(target=self._listen, daemon=True, name="fork-server").start()

    @property
    def ended(self) -> bool:
        """Whether the server has ended."""
        return self._server.poll() is not None

    def start(self, spec: FunctionSpec, environment: Mapping[str, str]) -> FunctionProcess:
        """Request a process; raises `OSError` when the server has ended."""
        process = FunctionProcess(self, next(self._numbers))
        with self._lock:
            self._requested[process.number] = process
        request = {
            "number": process.number,
            "handler": spec.handler,
            "code_dir": str(spec.code_dir),
            "environment": dict(environment),
        }
        try:
            self._send(request, process.write_end)
        finally:
            os.close(process.write_end)
        return process

    def kill(self, pid: int) -> None:
        """Kill a process that `start` returned, if it still runs."""
        try:
            self._send({"kill": pid})
        except OSError:
            # The children ended with the server.
            return

    def retire(self) -> None:
        """Stop as soon as no process runs; the caller starts no other one."""
        self._retired = True
        self._stop_if_unused()

    def stop(self) -> None:
        """Kill the server, and with it every running process."""
        self._server.kill()
        self._server.wait()

    def _send(self, request: Mapping[str, Any], *files: int) -> None:
        body = json.dumps(request).encode()
        with self._lock:
            socket.send_fds(self._control, [len(body).to_bytes(4, "big")], files)
            self._control.sendall(body)

    def _listen(self) -> None:
        # A killed server may reset the connection instead of closing it.
        with self._control, self._control.makefile("rb") as answers, contextlib.suppress(ConnectionError):
            for line in answers:
                self._handle(json.loads(line))
        with self._lock:
            lost = [*self._requested.values(), *self._running.values()]
        for process in lost:
            _fail(process, "the server that starts functions has ended")

    def _stop_if_unused(self) -> None:
        with self._lock:
            in_use = self._requested or self._running
        if self._retired and not in_use:
            self.stop()

    def _handle(self, answer: Mapping[str, Any]) -> None:
        if "ended" in answer:
            with self._lock:
                process = self._running.pop(answer["ended"])
            process.status.set_result(answer["status"])
            self._stop_if_unused()
            return
        with self._lock:
            process = self._requested.pop(answer.get("started") or answer["refused"])
            if "started" in answer:
                self._running[answer["pid"]] = process
        if "started" in answer:
            process.pid.set_result(answer["pid"])
        else:
            _fail(process, answer["reason"])
            self._stop_if_unused()


def _fail(process: FunctionProcess, reason: str) -> None:
    for future in (process.pid, process.status):
        if not future.done():
            future.set_exception(OSError(reason))


def _environment_of_all(functions: Sequence[FunctionSpec]) -> dict[str, str]:
    """Return the variables for importing modules: those that all functions have with the same value."""
    first, *others = functions
    same = {
        name: value
        for name, value in first.environment.items()
        if all(other.environment.get(name) == value for other in others)
    }
    return {**same, "LANG": "en_US.UTF-8", "TZ": ":UTC", "PATH": os.defpath, "PYTHONPATH": _path(first.python_path)}


def _path(directories: Iterable[Path]) -> str:
    return os.pathsep.join(str(directory) for directory in directories)
