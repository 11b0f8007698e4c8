"""Client of the fork server, which forks function processes that have the handlers' imports already loaded."""

import contextlib
import itertools
import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from functools import partial
from pathlib import Path
from threading import Lock, Thread
from typing import IO, Any, Final

from local.deploy.deployment import FunctionSpec
from local.runtime.handler_imports import first_imports_of, imports_of, outside_imports_of

_SERVICES: Final = ("dynamodb", "s3", "stepfunctions", "secretsmanager", "events", "ssm")
"""The services of AWS that functions use most."""
_STOP_LIMIT_S: Final = 5.0
_PROGRAM: Final = Path(__file__).with_name("fork_server_main.py")


class ForkedProcess:
    """One process that a fork server started."""

    def __init__(self, server: "ForkServer", number: int) -> None:
        self.number: Final = number
        self.pid: Final[Future[int]] = Future()
        self.status: Final[Future[int]] = Future()
        """Exit status, or the negative number of the signal that ended it; `OSError` where it could not start."""
        self._server = server

    def kill(self) -> None:
        """Kill the process; no effect if it has ended."""
        # Only the parent of a process knows that its id has not been reused.
        self.pid.add_done_callback(lambda pid: None if pid.exception() else self._server.kill(pid.result()))


class FunctionProcess(ForkedProcess):
    """One process of a function; `output` is the stream of its stdout and stderr, which ends with the process."""

    def __init__(self, server: "ForkServer", number: int) -> None:
        super().__init__(server, number)
        read_end, self.write_end = os.pipe()
        self.output: Final[IO[bytes]] = os.fdopen(read_end, "rb")


class _Started:
    """The process of a server that no other one forked."""

    def __init__(self, interpreter: Path, environment: Mapping[str, str], lifeline: int, control: int) -> None:
        self._process = subprocess.Popen(
            [interpreter, "-P", _PROGRAM, str(control), str(lifeline)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(control, lifeline),
            process_group=0,
        )

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


class _Forked:
    """The process of a server that another one forked."""

    def __init__(self, process: ForkedProcess) -> None:
        self._process = process

    @property
    def ended(self) -> bool:
        return self._process.status.done()

    def stop(self) -> None:
        self._process.kill()
        wait([self._process.status], _STOP_LIMIT_S)


class ForkServer:
    """Starts the processes of functions that share their layers, or further servers that share what they import."""

    def __init__(
        self, launch: Callable[[int], _Started | _Forked], first: Sequence[str] = (), services: Sequence[str] = ()
    ) -> None:
        """`launch` starts the server's process with the file descriptor of its control socket."""
        self._numbers = itertools.count(1)
        self._lock = Lock()
        self._requested: dict[int, ForkedProcess] = {}
        self._running: dict[int, ForkedProcess] = {}
        self._retired = False
        self._control, server_end = socket.socketpair()
        with server_end:
            self._server = launch(server_end.fileno())
        self._send({"first": first, "services": services})
        Thread(target=self._listen, daemon=True, name="fork-server").start()

    @property
    def ended(self) -> bool:
        """Whether the server has ended."""
        return self._server.ended

    def start(self, spec: FunctionSpec, environment: Mapping[str, str]) -> FunctionProcess:
        """Request a process; raises `OSError` when the server has ended."""
        process = FunctionProcess(self, next(self._numbers))
        request = {
            "handler": spec.handler,
            "imports": first_imports_of([spec]),
            "code_dir": str(spec.code_dir),
            "environment": dict(environment),
        }
        try:
            self._fork(process, request, process.write_end)
        finally:
            os.close(process.write_end)
        return process

    def fork(self, functions: Sequence[FunctionSpec], first: Sequence[str] = ()) -> "ForkServer":
        """Return a server of functions that has what this one imported and imports the `first` modules before it starts
        a process; raises `OSError` when this one has ended.
        """
        request = {
            "imports": [],
            "environment": _environment_of_all(functions),
            "path": [str(path) for path in functions[0].python_path],
        }

        def launch(control: int) -> _Forked:
            process = ForkedProcess(self, next(self._numbers))
            self._fork(process, request, control)
            return _Forked(process)

        return ForkServer(launch, first)

    def import_late(self, modules: Sequence[str]) -> None:
        """Import modules, in this order, while no process is requested; no effect when the server has ended."""
        with contextlib.suppress(OSError):
            self._send({"late": list(modules)})

    def _fork(self, process: ForkedProcess, request: Mapping[str, Any], file: int) -> None:
        with self._lock:
            self._requested[process.number] = process
        self._send({"number": process.number, **request}, file)

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
        self._server.stop()

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


def server_of(interpreter: Path, functions: Sequence[FunctionSpec], lifeline: int) -> ForkServer:
    """Return a server that has imported all that functions of the same layers import before it starts the first one."""
    environment = _environment_of_all(functions)
    # One process alone reads no more than it needs.
    services = _SERVICES if len(functions) > 1 else ()
    return ForkServer(partial(_Started, interpreter, environment, lifeline), imports_of(functions), services)


def base_of(interpreter: Path, functions: Sequence[FunctionSpec], lifeline: int) -> ForkServer:
    """Return a server from which servers of functions are forked: it has what those import from outside of layers."""
    outside = outside_imports_of(functions)
    services = _SERVICES if len(functions) > 1 else ()
    return ForkServer(partial(_Started, interpreter, _environment_of_all([]), lifeline), outside, services)


def _fail(process: ForkedProcess, reason: str) -> None:
    for future in (process.pid, process.status):
        if not future.done():
            future.set_exception(OSError(reason))


def _environment_of_all(functions: Sequence[FunctionSpec]) -> dict[str, str]:
    """Return the variables for importing modules: those that all functions have with the same value."""
    ours = {"LANG": "en_US.UTF-8", "TZ": ":UTC", "PATH": os.defpath}
    if not functions:
        return ours
    first, *others = functions
    same = {
        name: value
        for name, value in first.environment.items()
        if all(other.environment.get(name) == value for other in others)
    }
    return {**same, **ours, "PYTHONPATH": _path(first.python_path)}


def _path(directories: Iterable[Path]) -> str:
    return os.pathsep.join(str(directory) for directory in directories)
