"""The fork servers of one cloud: one for each set of layers, whatever runtimes start functions from them."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec

from local.deploy.deployment import FunctionSpec
from local.runtime.fork_server import ForkServer, base_of, server_of
from local.runtime.handler_imports import first_imports_of, imports_of

_P = ParamSpec("_P")


class ForkServers:
    """Starts a server when its layers are first needed, and one that ended anew."""

    def __init__(self, interpreter: Path, *, reloads: bool = False) -> None:
        """`interpreter` runs the functions. With `reloads`, all servers come from one that has imported what lies in no
        layer, so that a fresh one after a saved layer has no more to import than the layer.
        """
        # The write end stays open and unused during the life of this process; the children notice when it closes.
        self._lifeline, self._own_end = os.pipe()
        self._interpreter, self._reloads = interpreter, reloads
        self._base: ForkServer | None = None
        self._functions: dict[tuple[str, tuple[Path, ...]], FunctionSpec] = {}
        self._servers: dict[tuple[Path, ...], ForkServer] = {}
        self._retired: list[ForkServer] = []
        # One thread for the life of the cloud, because on Linux a fork server ends with the thread that started it.
        self._spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")

    def know(self, functions: Iterable[FunctionSpec]) -> None:
        """Have the servers that start from now on import what these functions need."""
        self._functions |= {(spec.logical_id, spec.layer_dirs): spec for spec in functions}

    def warm(self, functions: Iterable[FunctionSpec]) -> None:
        """Know the functions and start their servers, in the background."""
        self.know(functions)
        for layer_dirs in dict.fromkeys(spec.layer_dirs for spec in self._functions.values()):
            self.do(self.of, layer_dirs)

    def do(self, work: Callable[_P, object], *args: _P.args, **kwargs: _P.kwargs) -> Future[object]:
        """Do work on the one thread that may ask for a server, after all work before it."""
        return self._spawner.submit(work, *args, **kwargs)

    def of(self, layer_dirs: tuple[Path, ...]) -> ForkServer:
        """Return the server of functions with these layers; raises `OSError` where it cannot start."""
        server = self._servers.get(layer_dirs)
        if server is None or server.ended:
            sharing = self._sharing(layer_dirs)
            if self._reloads:
                server = self._from_base(sharing, imports_of(sharing))
            else:
                server = server_of(self._interpreter, sharing, self._lifeline)
            self._servers[layer_dirs] = server
        return server

    def renew(self, layer_dirs: tuple[Path, ...]) -> None:
        """Start the processes of functions with these layers from their sources as they are now. A process that is
        requested right after it waits for no more than its function imports.
        """
        if server := self._servers.pop(layer_dirs, None):
            server.retire()
            self._retired = [server, *(one for one in self._retired if not one.ended)]
        sharing = self._sharing(layer_dirs)
        server = self._servers[layer_dirs] = self._from_base(sharing)
        # Behind the processes that wait for this server, because all sources are read for it.
        self.do(self.do, lambda: server.import_late([*first_imports_of(sharing), *imports_of(sharing)]))

    def _sharing(self, layer_dirs: tuple[Path, ...]) -> list[FunctionSpec]:
        return [spec for spec in self._functions.values() if spec.layer_dirs == layer_dirs]

    def _from_base(self, functions: list[FunctionSpec], first: Sequence[str] = ()) -> ForkServer:
        if self._base is None or self._base.ended:
            self._base = base_of(self._interpreter, list(self._functions.values()), self._lifeline)
        return self._base.fork(functions, first)

    def stop(self) -> None:
        """Kill all servers, and with them every process that they started."""
        self._spawner.shutdown(wait=True)
        for server in (*self._servers.values(), *self._retired, *([self._base] if self._base else [])):
            server.stop()
        os.close(self._own_end)
        os.close(self._lifeline)
