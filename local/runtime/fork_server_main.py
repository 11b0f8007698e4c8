"""The fork server, from which the functions' processes are forked, and their first code.

It imports the handlers' modules once, which saves most of the time and memory of a function's process. It runs under
the functions' interpreter, so it imports only the standard library and modules that exist on Lambda.

The protocol over the control socket: a request is four bytes of length and JSON, an answer is one line of JSON. The
first request has the modules to import `first` and the AWS `services` that functions use; any other one forks, kills,
or has modules to import `late`. A fork makes the process of a function, whose output's file descriptor comes with the
length, or another server, whose control socket does. The end of the socket ends this process.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import logging
import os
import selectors
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_QUIET_S: Final = 1.0
_OF_THE_RUNTIME: Final = ("awslambdaric.lambda_runtime_marshaller", "awslambdaric.lambda_context", "encodings.idna")
"""What AWS's runtime client imports. The client itself reads its environment's address when it is imported."""


def end_with_parent() -> None:
    """On Linux, make the kernel kill this process when the parent ends for any reason."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def name_process(name: str) -> None:
    """On Linux, set the name in `ps -e -o pid,comm`, of which the kernel keeps 15 characters."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def import_quietly(modules: Iterable[str]) -> None:
    """Import modules and ignore failures, which the function that needs the module reports."""
    # What is imported stays, and looking for garbage in it takes a tenth of the time.
    gc.disable()
    for module in modules:
        # A module under development may raise any error.
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    gc.enable()
    # Excluded from garbage collection, the memory pages of these objects stay shared with the children.
    gc.freeze()


def read_service_models(services: Iterable[str]) -> None:
    """Make the SDK read what it needs to know of services into its default session, which every process inherits. Each
    process would else read it anew, which takes more CPU time than all else that a function does when it starts.
    """
    # Functions may do without the SDK, and one that needs it reports what is wrong with it.
    with contextlib.suppress(Exception):
        import boto3

        client: Callable[..., object] = boto3.client
        for service in services:
            client(service, "eu-west-1", aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106


class ForkServer:
    """Forks on request and reports the end of every child. It has one thread, because a fork copies only one.

    It serves once the `first` modules are imported. Those that a function imports it imports before the fork, because
    the next process of the function needs them, too. The `late` ones follow, one after the other, once nothing was
    requested for a while: until then the processors belong to the functions.
    """

    def __init__(self, control: socket.socket) -> None:
        self._late: deque[str] = deque()
        self._control = control
        self._children: set[int] = set()
        self._wakeup, self._woken = socket.socketpair()
        for end in (self._wakeup, self._woken):
            end.setblocking(False)  # noqa: FBT003 (the standard library takes it so)
        signal.set_wakeup_fd(self._wakeup.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> dict[str, Any]:
        """Serve until the socket closes. Returns only in a child, with the child's request."""
        imports = json.loads(self._read(int.from_bytes(self._read(4), "big")))
        read_service_models(imports["services"])
        import_quietly([*_OF_THE_RUNTIME, *imports["first"]])
        with selectors.DefaultSelector() as selector:
            for end in (self._control, self._woken):
                selector.register(end, selectors.EVENT_READ)
            quiet = False
            while True:
                ready = {key.fileobj for key, _ in selector.select(self._patience_s(quiet=quiet))}
                quiet = not ready
                if self._late and quiet:
                    import_quietly([self._late.popleft()])
                if self._woken in ready:
                    self._reap()
                if self._control in ready and (request := self._receive()):
                    return request

    def _patience_s(self, *, quiet: bool) -> float | None:
        """How long to wait for a request before the next of the late modules."""
        if not self._late:
            return None
        return 0 if quiet else _QUIET_S

    def _receive(self) -> dict[str, Any] | None:
        head, files, _, _ = socket.recv_fds(self._control, 4, 1)
        if not head:
            os._exit(0)
        while len(head) < 4:
            head += self._read(4 - len(head))
        request: dict[str, Any] = json.loads(self._read(int.from_bytes(head, "big")))
        if "kill" in request:
            if request["kill"] in self._children:
                os.kill(request["kill"], signal.SIGKILL)
            return None
        if "late" in request:
            self._late.extend(request["late"])
            return None
        if lacking := [name for name in request["imports"] if name not in sys.modules]:
            import_quietly(lacking)
        return self._fork(request, files[0])

    def _fork(self, request: dict[str, Any], given: int) -> dict[str, Any] | None:
        """Fork with the file that came with the request, which the child finds as `given`."""
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(given)
            self._send_answer({"refused": request["number"], "reason": error.strerror})
            return None
        if pid == 0:
            self._become_a_child()
            if os.getppid() != parent:
                # The parent ended before the kernel was set up to end this process with it.
                os._exit(1)
            return {**request, "given": given}
        os.close(given)
        self._children.add(pid)
        self._send_answer({"started": request["number"], "pid": pid})
        return None

    def _become_a_child(self) -> None:
        end_with_parent()
        # In a group of its own, the child gets no Ctrl-C; the cloud gets it and ends its children in order.
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for end in (self._control, self._wakeup, self._woken):
            end.close()

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(4096)
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._children.discard(pid)
            self._send_answer({"ended": pid, "status": os.waitstatus_to_exitcode(status)})

    def _send_answer(self, answer: dict[str, Any]) -> None:
        self._control.sendall(json.dumps(answer).encode() + b"\n")

    def _read(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            if not (part := self._control.recv(count - len(data))):
                os._exit(0)
            data += part
        return bytes(data)


def end_when_closed(lifeline: int) -> None:
    """Kill this process when the other end of the pipe `lifeline` closes, for any reason."""

    def watch() -> None:
        os.read(lifeline, 1)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True, name="lifeline").start()


def write_lines_once() -> None:
    """Stop propagation for loggers that have handlers of their own, so that each line is written once.

    On Lambda, such a logger is made after the runtime's handler, and makes that handler ignore its lines.
    """
    for logger in list(logging.Logger.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger) and not all(
            isinstance(each, logging.NullHandler) for each in logger.handlers
        ):
            logger.propagate = False


def become_server(request: dict[str, Any]) -> socket.socket:
    """Take the environment and the path of a server that this one forked, and return its control socket."""
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    # Where `PYTHONPATH` would stand: before the modules of the interpreter, which has no directory of a script with -P.
    sys.path[:0] = request["path"]
    return socket.socket(fileno=request["given"])


def run_function(request: dict[str, Any], lifeline: int) -> None:
    """Run AWS's runtime client around `request["handler"]` until the process is killed."""
    for stream in (1, 2):
        os.dup2(request["given"], stream)
    os.close(request["given"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    os.chdir(request["code_dir"])
    name_process(request["code_dir"].rpartition("/")[2])
    sys.path.insert(0, request["code_dir"])
    end_when_closed(lifeline)
    write_lines_once()
    from awslambdaric import __main__ as runtime

    runtime.main(["awslambdaric", request["handler"]])


def main() -> None:
    """Run `fork_server_main.py CONTROL LIFELINE`, which are open file descriptors."""
    control, lifeline = sys.argv[1:]
    end_with_parent()
    # All functions wait for the one process that is their AWS: it goes first.
    os.nice(5)
    name_process("fermata-forks")
    request = ForkServer(socket.socket(fileno=int(control))).serve()
    while "handler" not in request:
        request = ForkServer(become_server(request)).serve()
    run_function(request, int(lifeline))


if __name__ == "__main__":
    main()
