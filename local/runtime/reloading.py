"""Reload on save: the functions run a changed source from the next call on, without a restart of the cloud."""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Final, Protocol

from local.deploy.deployment import FunctionSpec, unqualified
from local.runtime.lambda_answers import Answer, import_error
from local.runtime.source_tree import SourceTree, fault_in, forget_byte_code

LOOK_EVERY_S: Final = 0.5


class ReloadingRuntime(Protocol):
    """What a reload asks of the runtime."""

    before_call: Callable[[], object]
    on_failed_start: Callable[[FunctionSpec, Answer], object]

    def reload(self, names: Iterable[str], layers: Iterable[tuple[Path, ...]] = ()) -> None:
        """Run all later calls of functions with their sources as they are now."""


class Reloader:
    """Watches the sources of functions, and the files that only a restart applies.

    A source with an error is not reloaded: state machines go on with the code from before it, so that a slip of the
    pen ends no job, and HTTP requests learn of it by `fault_of`.
    """

    def __init__(
        self,
        runtime: ReloadingRuntime,
        functions: Iterable[FunctionSpec],
        root: Path,
        say: Callable[[str], object],
    ) -> None:
        """`root` is the directory of the template; `say` prints one line."""
        self._runtime, self._functions, self._root, self._say = runtime, tuple(functions), root, say
        directories = {path for spec in self._functions for path in (spec.code_dir, *spec.layer_dirs)}
        self._sources = SourceTree(sorted(directories))
        self._restarting = SourceTree([root / "statemachine"], files=sorted(root.glob("template.y*ml")))
        self._faults: dict[Path, str] = {}
        self._failed_starts: dict[str, str] = {}
        self._pending: dict[str, set[Path]] = {spec.name: set() for spec in self._functions}
        self._after: list[Callable[[], object]] = []
        self._lock = Lock()
        self._began = float("-inf")
        self._stopped = Event()
        self._thread = Thread(target=self._keep_looking, daemon=True, name="reload")

    def start(self, after: Callable[[], object]) -> None:
        """Look every `LOOK_EVERY_S` seconds until `stop`; `after` is called after each reload."""
        self._after.append(after)
        self._runtime.before_call = self.look
        self._runtime.on_failed_start = self.failed_to_start
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stopped.set()
        self._thread.join()

    def look(self) -> None:
        """Reload what changed before this call. Takes 2 ms for 400 sources; callers at the same time share one look."""
        asked = time.monotonic()
        with self._lock:
            if self._began > asked or self._stopped.is_set():
                return
            self._began = time.monotonic()
            if changed := self._sources.changes():
                self._apply(changed)
            for path in sorted(self._restarting.changes()):
                self._say(f"{self._name(path)} changed: stop this cloud and start it again to apply it")

    def fault_of(self, function_arn: str) -> str | None:
        """Return the error in a function's newest sources, with the file's name; None where they can be read."""
        self.look()
        with self._lock:
            arn = unqualified(function_arn)
            faults = [fault for spec in self._functions if spec.arn == arn for fault in self._faults_in(spec)]
        return f"{self._name(faults[0][0])}, {faults[0][1]}" if faults else None

    def failed_start_of(self, function_arn: str) -> str | None:
        """Return why a function's handler could not be imported since the last reload; None where it could."""
        with self._lock:
            return self._failed_starts.get(unqualified(function_arn))

    def failed_to_start(self, spec: FunctionSpec, answer: Answer) -> None:
        """Note that a function's handler could not be imported, and say it once. A process that was killed does not
        count, because the next one may start.
        """
        error = import_error(answer)
        with self._lock:
            if error is None or spec.arn in self._failed_starts:
                return
            self._failed_starts[spec.arn] = error = error.replace(f"{self._root}/", "")
        self._say(f"error: {self._name(spec.code_dir)} does not start: {error}")

    def _apply(self, changed: Collection[Path]) -> None:
        for path in sorted(changed):
            forget_byte_code(path)
            self._faults.pop(path, None)
            if fault := fault_in(path):
                self._faults[path] = fault
                self._say(f"error: {self._name(path)}, {fault}; requests get 500 until it is saved without the error")
        for spec in self._functions:
            self._pending[spec.name] |= {path for path in changed if _of(spec, path)}
        ready = [spec for spec in self._functions if self._pending[spec.name] and not self._faults_in(spec)]
        if ready:
            self._reload(ready)

    def _reload(self, functions: Sequence[FunctionSpec]) -> None:
        """Reload functions, and the layers of those for which a source of theirs changed."""
        changed = {spec.name: self._pending[spec.name] for spec in functions}
        layers = {
            one.layer_dirs for one in functions if any(_below(one.layer_dirs, path) for path in changed[one.name])
        }
        for spec in functions:
            self._failed_starts.pop(spec.arn, None)
            self._pending[spec.name] = set()
        self._runtime.reload(list(changed), layers)
        self._say(f"reloaded {', '.join(self._name(path) for path in sorted(set().union(*changed.values())))}")
        for call in self._after:
            call()

    def _faults_in(self, spec: FunctionSpec) -> list[tuple[Path, str]]:
        return [(path, fault) for path, fault in self._faults.items() if _of(spec, path)]

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self._root)) if path.is_relative_to(self._root) else str(path)

    def _keep_looking(self) -> None:
        while not self._stopped.wait(LOOK_EVERY_S):
            self.look()


def _of(spec: FunctionSpec, path: Path) -> bool:
    return _below((spec.code_dir, *spec.layer_dirs), path)


def _below(directories: Iterable[Path], path: Path) -> bool:
    return any(path.is_relative_to(directory) for directory in directories)
