"""Lambda on one machine: assigns invocations to environments within the concurrency limits."""

import os
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, RLock, Thread
from typing import Final

from local.deploy.deployment import MAX_ENVIRONMENTS, FunctionSpec
from local.iam.rights import access_key_id
from local.logs import JsonLines
from local.runtime.crowding import crowding
from local.runtime.fork_servers import ForkServers
from local.runtime.lambda_answers import Answer, error_answer
from local.runtime.lambda_environment import Call, FunctionStartError, LambdaEnvironment
from local.runtime.when_all import when_all

PATIENCE_S: Final = 0.2
"""Seconds that calls wait for an existing environment before another one starts. A start takes half a second of CPU
time, and most calls end sooner.
"""
_BUSY_FACTOR: Final = 20
"""Additional seconds of waiting per second that the clock thread is late: when all cores are busy, more environments
make each of them slower.
"""
_CLOCK_S: Final = 0.05
_END_LIMIT_S: Final = 2.0


class TooManyRequestsError(Exception):
    """All environments that a function may have are busy; Lambda calls it TooManyRequestsException."""


class UnknownFunctionError(Exception):
    """No function has this name; Lambda calls it ResourceNotFoundException."""


@dataclass
class _Function:
    spec: FunctionSpec
    log: JsonLines
    credentials: Mapping[str, str]
    waiting: deque[Call] = field(default_factory=deque)
    environments: set[LambdaEnvironment] = field(default_factory=set)
    idle: list[LambdaEnvironment] = field(default_factory=list)
    arriving: set[LambdaEnvironment] = field(default_factory=set)
    """Starting, or returning from an answer. They will be idle soon, so no other environment is needed."""
    in_flight: int = 0
    """Calls that were accepted and are not answered yet."""
    moved_on: float = 0.0
    """Monotonic seconds when a call was last assigned, or an environment started."""


class LambdaRuntime:
    """Runs the functions of one deployment."""

    def __init__(
        self,
        functions: Iterable[FunctionSpec],
        servers: ForkServers,
        endpoint_url: str,
        logs_dir: Path,
        max_environments: int = MAX_ENVIRONMENTS,
        crowding: Callable[[], float] = crowding,
        let_in: Callable[[str, str], str] = access_key_id,
    ) -> None:
        """`servers` outlive the runtime. `crowding` tells how many processes want each core; a function has its timeout
        as many times. `let_in` gets the ARN of a function's role and its name, and returns the access key id that its
        calls are signed with.
        """
        self._servers, self._endpoint_url = servers, endpoint_url
        self._functions = {
            spec.name: _Function(spec, JsonLines(logs_dir / f"{spec.logical_id}.jsonl"), _credentials(spec, let_in))
            for spec in functions
        }
        servers.know(function.spec for function in self._functions.values())
        self._older: dict[tuple[str, int], _Function] = {}
        """Versions from before an update, by name and number: executions that began with them go on with them."""
        self._max_environments, self._crowding = max_environments, crowding
        self._unreserved = max_environments - sum(one.spec.reserved or 0 for one in self._functions.values())
        self._max_starting = os.cpu_count() or 1
        self._environments: set[LambdaEnvironment] = set()
        self._starting: set[LambdaEnvironment] = set()
        self._outdated: set[LambdaEnvironment] = set()
        """Environments with code from before a reload, which end as soon as they run no call."""
        self._late_s = 0.0
        """Moving average of the clock thread's delay in seconds; near 0 where a core is free."""
        self._lock = RLock()
        self._stopped = Event()
        self.before_call: Callable[[], object] = lambda: None
        """Is called before every call is assigned."""
        self.on_failed_start: Callable[[FunctionSpec, Answer], object] = lambda _spec, _answer: None
        """Is called when an environment could not be started."""
        Thread(target=self._keep_time, daemon=True, name="lambda-clock").start()

    @property
    def access_keys(self) -> Mapping[str, str]:
        """The logical id of each function by its access key id."""
        return {
            function.credentials["AWS_ACCESS_KEY_ID"]: function.spec.logical_id for function in self._functions.values()
        }

    @property
    def logs(self) -> Mapping[str, JsonLines]:
        """The log of each function by its name."""
        return {name: function.log for name, function in self._functions.items()}

    def find(self, name: str) -> FunctionSpec:
        """Return the version that a name or ARN says, else the one deployed last. Raises `UnknownFunctionError`."""
        bare, _, qualifier = name.rsplit("function:", maxsplit=1)[-1].partition(":")
        found = self._functions.get(bare)
        if found and qualifier.isdigit() and int(qualifier) != found.spec.version:
            found = self._older.get((bare, int(qualifier)))
        if found is None:
            raise UnknownFunctionError(f"Function not found: {name}")
        return found.spec

    def update(self, functions: Iterable[FunctionSpec]) -> None:
        """Run all calls without the number of a version as these functions; those with an older one go on as before."""
        new = list(functions)
        self._servers.know(new)
        with self._lock:
            for spec in new:
                old = self._functions[spec.name]
                self._older[spec.name, old.spec.version] = old
                self._functions[spec.name] = _Function(spec, old.log, old.credentials)

    def invoke(self, name: str, payload: bytes) -> Answer:
        """Run a function and wait for its answer."""
        return self.submit(name, payload).result()

    def submit(self, name: str, payload: bytes) -> Future[Answer]:
        """Run a function; raises `TooManyRequestsError` at once where its concurrency limit is reached."""
        function = self._function_of(self.find(name))
        self.before_call()
        call = Call(payload)
        with self._lock:
            self._refuse_if_busy(function)
            function.in_flight += 1
            function.waiting.append(call)
            self._dispatch(function)
        return call.answer

    def start_each(self, names: Iterable[str]) -> Future[None]:
        """Start one environment of each function; the future ends when all have imported their handlers."""
        functions = [self._functions[self.find(name).name] for name in names]
        with self._lock:
            return when_all([self._start(function).ready for function in functions])

    def reload(self, names: Iterable[str], layers: Iterable[tuple[Path, ...]] = ()) -> None:
        """Run all later calls of functions with their sources as they are now; running calls end with the old code.
        Those that ran last start at once, because whoever saves a source repeats a request.

        `layers` are the `layer_dirs` with a changed source.
        """
        with self._lock:
            if self._stopped.is_set():
                return
            for layer_dirs in layers:
                self._servers.do(self._servers.renew, layer_dirs)
            functions = [self._functions[name] for name in names]
            running = [function for function in functions if function.environments]
            for function in functions:
                self._outdated |= function.environments
                for environment in function.idle:
                    environment.kill()
                self._starting -= function.environments
                for kept in (function.environments, function.idle, function.arriving):
                    kept.clear()
            self._dispatch_all()
            self._start_again(running)

    def stop(self) -> None:
        """Kill every environment, which takes about a second; a second call has no effect."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        self._servers.do(lambda: None).result()
        with self._lock:
            environments = list(self._environments)
        for environment in environments:
            environment.kill()
        for environment in environments:
            environment.gone.wait(_END_LIMIT_S)
        for function in self._functions.values():
            function.log.close()

    # ---- called by the environments

    def became_idle(self, environment: LambdaEnvironment) -> None:
        """Assign a waiting call to the environment, or keep it idle."""
        function = self._function_of(environment.spec)
        with self._lock:
            if environment in self._outdated:
                environment.kill()
                return
            self._starting.discard(environment)
            function.arriving.discard(environment)
            function.idle.append(environment)
            self._dispatch_all()

    def answered(self, environment: LambdaEnvironment, call: Call, answer: Answer) -> None:
        """Resolve the call's future with the answer."""
        with self._lock:
            function = self._function_of(environment.spec)
            function.in_flight -= 1
            if environment not in self._outdated:
                function.arriving.add(environment)
        call.answer.set_result(answer)

    def ended(self, environment: LambdaEnvironment, call: Call | None, answer: Answer) -> None:
        """Fail the call that the environment ran, or the waiting one that it was started for."""
        function = self._function_of(environment.spec)
        with self._lock:
            starting = environment in self._starting
            self._forget(function, environment)
            if call is None and starting and function.waiting:
                call = function.waiting.popleft()
            if call is not None:
                function.in_flight -= 1
            if not self._stopped.is_set():
                self._dispatch_all()
        if starting:
            self.on_failed_start(environment.spec, answer)
        if call is not None:
            call.answer.set_result(answer)

    def gave_back(self, environment: LambdaEnvironment, call: Call) -> None:
        """Assign a call that did not begin to another environment."""
        function = self._function_of(environment.spec)
        with self._lock:
            function.waiting.appendleft(call)
            self._dispatch(function)

    # ---- called with the lock held

    def _every(self) -> list[_Function]:
        return [*self._functions.values(), *self._older.values()]

    def _function_of(self, spec: FunctionSpec) -> _Function:
        return self._older.get((spec.name, spec.version)) or self._functions[spec.name]

    def _refuse_if_busy(self, function: _Function) -> None:
        """Apply Lambda's rule: a reservation is kept free for its function, and is also the function's limit."""
        reserved = function.spec.reserved
        if reserved is not None:
            name = function.spec.logical_id
            running = sum(each.in_flight for each in self._every() if each.spec.logical_id == name)
            if running >= reserved:
                raise TooManyRequestsError(f"{running} invocations of {name} are running, which has {reserved}")
            return
        sharing = sum(each.in_flight for each in self._every() if each.spec.reserved is None)
        if sharing >= self._unreserved:
            raise TooManyRequestsError(f"{sharing} invocations are running; this cloud runs {self._unreserved}")

    def _forget(self, function: _Function, environment: LambdaEnvironment) -> None:
        self._environments.discard(environment)
        self._outdated.discard(environment)
        function.environments.discard(environment)
        self._starting.discard(environment)
        function.arriving.discard(environment)
        if environment in function.idle:
            function.idle.remove(environment)

    def _dispatch_all(self) -> None:
        for function in self._every():
            if function.waiting:
                self._dispatch(function)

    def _dispatch(self, function: _Function) -> None:
        while function.waiting and function.idle:
            function.idle.pop().give(function.waiting.popleft())
            function.moved_on = time.monotonic()
        if not function.waiting or len(function.arriving) >= min(len(function.waiting), self._max_starting):
            return
        stuck_s = time.monotonic() - function.moved_on
        if not function.environments or stuck_s >= PATIENCE_S + _BUSY_FACTOR * self._late_s:
            while len(function.arriving) < min(len(function.waiting), self._max_starting) and self._may_start():
                self._start(function)

    def _start_again(self, functions: Iterable[_Function]) -> None:
        for function in sorted(functions, key=lambda one: one.moved_on, reverse=True):
            if not function.environments and self._may_start():
                self._start(function)

    def _may_start(self) -> bool:
        if self._stopped.is_set() or len(self._starting) >= self._max_starting:
            return False
        return len(self._environments) < self._max_environments or self._end_an_idle_one()

    def _end_an_idle_one(self) -> bool:
        for function in self._every():
            if function.idle:
                environment = function.idle.pop(0)
                self._forget(function, environment)
                environment.kill()
                return True
        return False

    def _start(self, function: _Function) -> LambdaEnvironment:
        environment = LambdaEnvironment(function.spec, self._endpoint_url, function.credentials, function.log, self)
        self._environments.add(environment)
        function.environments.add(environment)
        function.moved_on = time.monotonic()
        self._starting.add(environment)
        function.arriving.add(environment)
        self._servers.do(self._spawn, function, environment)
        return environment

    def _spawn(self, function: _Function, environment: LambdaEnvironment) -> None:
        try:
            environment.start(self._servers.of(function.spec.layer_dirs))
        except OSError as error:
            answer = error_answer("Runtime.InvalidEntrypoint", f"cannot start a process: {error.strerror}")
            environment.ready.set_exception(FunctionStartError(function.spec.logical_id, answer))
            self.ended(environment, None, answer)

    def _keep_time(self) -> None:
        instant = time.monotonic()
        while not self._stopped.wait(_CLOCK_S):
            before, instant = instant, time.monotonic()
            self._late_s += (instant - before - _CLOCK_S - self._late_s) / 10
            with self._lock:
                self._dispatch_all()
                environments = list(self._environments)
            crowding = self._crowding()
            for environment in environments:
                environment.end_if_overdue(instant, crowding)


def _credentials(spec: FunctionSpec, let_in: Callable[[str, str], str]) -> Mapping[str, str]:
    """Return credentials of the function's role, by which the emulator knows whose call it is."""
    return {
        "AWS_ACCESS_KEY_ID": let_in(spec.role_arn, spec.name),
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
        "AWS_SESSION_TOKEN": secrets.token_hex(20),
    }
