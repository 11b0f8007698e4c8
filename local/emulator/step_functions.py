"""Replacements in moto's Step Functions engine: scaled waits, Lambda calls, status change events."""

import logging
import sys
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from threading import Lock, Thread
from types import SimpleNamespace
from typing import Final, Protocol, TypeAlias
from uuid import uuid4
from weakref import WeakSet

from local.deploy.deployment import unqualified
from local.emulator import moto_seams
from local.emulator.engine_lambda import EngineLambda
from local.emulator.event_bridge import execution_status_change
from local.emulator.moto_seams import MotoValue
from local.runtime.lambda_answers import Answer

_ENGINE: Final = "moto.stepfunctions."
_LONGEST_SLEEP_S: Final = 1.0
HISTORIES_KEPT: Final = 1000
"""How many ended executions keep their history, the newest ones."""

Publish: TypeAlias = Callable[[dict[str, MotoValue], Callable[[], None]], None]
"""Publishes an event and takes a step afterwards."""


def make_ready(time_scale: float) -> None:
    """Make the engine run machines as this cloud needs it."""
    scale_time(time_scale)
    parse_once()
    parse_paths_once()
    name_executions()
    map_in_a_loop()


def scale_time(scale: float) -> None:
    """Divide relative waits and retry back-offs by `scale`; waits until an instant stay unscaled."""
    until = moto_seams.WAIT_UNTIL.owner

    def wait_interval(self: MotoValue, env: MotoValue, wait_seconds: float) -> None:
        seconds = wait_seconds if isinstance(self, until) else wait_seconds / scale
        _wait(env, seconds)

    def seconds_until(self: MotoValue, env: MotoValue) -> float:
        self.string.eval(env=env)
        timestamp_text = env.stack.pop()
        if self._from_timestamp_string(timestamp=timestamp_text) is None:
            # The original raises the engine's own failure event.
            return float(original(self, env))
        return (datetime.fromisoformat(timestamp_text) - datetime.now(UTC)).total_seconds()

    original = moto_seams.WAIT_UNTIL.original
    moto_seams.WAIT.replace(wait_interval)
    moto_seams.WAIT_UNTIL.replace(seconds_until)
    moto_seams.RETRY_SLEEP.replace(SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / scale)))


def _wait(env: MotoValue, seconds: float) -> None:
    """Wait for `seconds`, or until the execution is stopped."""
    end = time.monotonic() + seconds
    while env.is_running() and (left := end - time.monotonic()) > 0:
        # moto sets the event and clears it at once, so a single wait may miss it.
        env.program_state_event.wait(min(left, _LONGEST_SLEEP_S))


class MachineRights(Protocol):
    """What machines do under their roles."""

    def client_of_machine(self, service: str, role_arn: str) -> MotoValue:
        """Return the client of a service that signs with a role's key."""

    def refused_task(self, role_arn: str, function: str, qualifier: str | None) -> str | None:
        """Return why a machine with a role may not call a function, None where it may."""


def use_clients(
    clients: Callable[[str], MotoValue],
    submit: Callable[[str, bytes], Future[Answer]],
    rights: MachineRights | None = None,
) -> None:
    """Give the engine cached clients, and a Lambda client that runs functions without HTTP requests: with `rights`
    those of each machine's role, else `clients` for all.
    """
    original = moto_seams.ENGINE_CLIENTS.original

    @cache
    def functions_for(role_arn: str | None) -> EngineLambda:
        if rights is None or role_arn is None:
            return EngineLambda(submit)
        return EngineLambda(submit, partial(rights.refused_task, role_arn))

    def boto_client_for(region: str, service: str, state_credentials: MotoValue = None) -> MotoValue:  # noqa: ARG001 (moto calls it so)
        role_arn = getattr(state_credentials, "role_arn", None)
        if service == "lambda":
            return functions_for(role_arn)
        return clients(service) if rights is None or role_arn is None else rights.client_of_machine(service, role_arn)

    for name, module in list(sys.modules.items()):
        if name.startswith(_ENGINE) and getattr(module, "boto_client_for", None) is original:
            module.boto_client_for = boto_client_for  # type: ignore[attr-defined] # each task module imports it by name
    moto_seams.ENGINE_CLIENTS.replace(boto_client_for)


def parse_once() -> None:
    """Parse each definition once. The only state of an execution in the parsed components is the key of its retry
    counter, which is replaced by the component's id.
    """
    # It warns at every start that tolerated failures have no effect, which docs/laptop.md documents.
    logging.getLogger(f"{_ENGINE}parser.asl.parse.preprocessor").setLevel(logging.ERROR)
    cached_parse, one_at_a_time = lru_cache(maxsize=32)(moto_seams.PARSE.original), Lock()

    def parse(definition: str) -> MotoValue:
        # The engine's parsers share mutable tables.
        with one_at_a_time:
            return cached_parse(definition)

    moto_seams.PARSE.replace(staticmethod(parse))
    moto_seams.RETRY_KEY.replace(property(id))


def parse_paths_once() -> None:
    """Cache parsed JSONPaths, which evaluation does not change."""
    moto_seams.JSON_PATH.replace(lru_cache(maxsize=1024)(moto_seams.JSON_PATH.original))


def name_executions() -> None:
    """Give an execution without a name a random one, and start it by an alias of its machine, both as AWS does."""
    original = moto_seams.START_EXECUTION.original

    def start_execution(
        self: MotoValue, state_machine_arn: str, name: str | None = None, *rest: MotoValue, **more: MotoValue
    ) -> MotoValue:
        machine_arn = _without_alias(self, state_machine_arn)
        return original(self, machine_arn, name or str(uuid4()), *rest, **more)

    moto_seams.START_EXECUTION.replace(start_execution)


def _without_alias(backend: MotoValue, arn: str) -> str:
    """Return the ARN of the machine behind an alias, which moto cannot start; its newest version has the machine's
    own definition. Raises moto's error for an alias that does not exist.
    """
    machine_arn = unqualified(arn)
    if arn == machine_arn:
        return arn
    backend.describe_state_machine_alias(arn)
    return machine_arn


def map_in_a_loop() -> None:
    """Make each worker of a distributed map process its items in a loop instead of by recursion."""

    def eval_pool(self: MotoValue, job: MotoValue, worker_frame: MotoValue) -> None:
        while job is not None:
            frame = worker_frame.open_inner_frame()
            self._eval_job(env=frame, job=job)
            worker_frame.delete_frame(frame)
            ended = isinstance(job.job_output, Exception) or self.stopped()
            following = None if ended else self._job_pool.next_job()
            if following is None:
                # First delete the frame: the map ends when its jobs are closed, not when its workers end.
                self._env.delete_frame(worker_frame)
            self._job_pool.close_job(job)
            job = following

    moto_seams.MAP_WORKER.replace(eval_pool)


def ended_worker(events: MotoValue = None, map_runs: MotoValue = None) -> MotoValue:
    """Return what an ended execution has in place of its worker: its history, a manager of events, and the manager of
    its map runs; both are empty where they are not given. Nobody waits for its callbacks any more.
    """
    return SimpleNamespace(
        env=SimpleNamespace(
            is_running=lambda: False,
            callback_pool_manager=SimpleNamespace(get=_nothing, notify=_nothing, heartbeat=_nothing),
            map_run_record_pool_manager=map_runs or SimpleNamespace(get=_nothing, get_all=list),
            event_manager=events or SimpleNamespace(get_event_history=list),
        ),
        stop=_nothing,
        _execution_communication=SimpleNamespace(terminated=_nothing),
    )


def _nothing(*_: object, **__: object) -> None:
    return None


class EndedExecutions:
    """Lets go of what executions ran with once they end, and of the histories of all but the newest of them: else each
    job of an hour's work would hold a third of a megabyte for ever.
    """

    def __init__(self, first: Callable[[MotoValue], None], histories_kept: int) -> None:
        """`first` gets each execution before anything of it goes."""
        self._first, self._kept = first, histories_kept
        self._newest: deque[MotoValue] = deque()
        self._machines: dict[tuple[str, ...], MotoValue] = {}
        self._lock = Lock()

    def add(self, execution: MotoValue) -> None:
        """Take an execution whose end is published; its worker does nothing any more."""
        self._first(execution)
        threads: list[Thread] = moto_seams.ENGINE_THREADS.original
        environment, machine = execution.exec_worker.env, execution.state_machine
        with self._lock:
            # The engine appends every thread and removes none. Those that run need not be known.
            threads.clear()
            # moto copies the machine for each execution.
            key = (machine.arn, machine.definition, machine.roleArn)
            execution.state_machine = self._machines.setdefault(key, machine)
            execution.exec_worker = ended_worker(environment.event_manager, environment.map_run_record_pool_manager)
            self._newest.append(execution)
            if len(self._newest) > self._kept:
                self._newest.popleft().exec_worker = ended_worker()


def publish_status_changes(
    publish: Publish,
    ended_in_public: Callable[[MotoValue], None] = lambda _: None,
    histories_kept: int = HISTORIES_KEPT,
) -> None:
    """Publish an event when an execution starts and when it ends; a stopped one ends at once. `ended_in_public` gets an
    execution once the event of its end is published. The newest `histories_kept` that ended keep their histories.
    """
    ended_executions = EndedExecutions(ended_in_public, histories_kept)
    start, end, stop = (
        seam.original for seam in (moto_seams.EXECUTION_START, moto_seams.EXECUTION_END, moto_seams.EXECUTION_STOP)
    )
    ended: WeakSet[MotoValue] = WeakSet()
    lock = Lock()

    def started(self: MotoValue) -> None:
        start(self)
        publish(execution_status_change(self), lambda: None)

    def terminated(self: MotoValue) -> None:
        execution = self.execution
        with lock:
            if execution in ended:
                return
            ended.add(execution)
            end(self)
        publish(execution_status_change(execution), lambda: ended_executions.add(execution))

    def stopped(self: MotoValue, stop_date: MotoValue, error: str | None, cause: str | None) -> None:
        stop(self, stop_date, error, cause)
        if self.exec_worker is not None and not self.exec_worker.env.is_running():
            self.exec_worker._execution_communication.terminated()  # noqa: SLF001 (part of the seam)

    moto_seams.EXECUTION_START.replace(started)
    moto_seams.EXECUTION_END.replace(terminated)
    moto_seams.EXECUTION_STOP.replace(stopped)


def deliver_to_functions(deliver: Callable[[str, dict[str, MotoValue], dict[str, MotoValue]], None]) -> None:
    """Pass events for function targets to `deliver`; moto serves the other targets."""
    original = moto_seams.RULE_TARGETS.original

    def send_to_targets(self: MotoValue, original_event: dict[str, MotoValue], transform_input: bool = True) -> None:
        on_schedule_only = not self.event_pattern.get_pattern()
        if on_schedule_only or self.state != "ENABLED" or not self.event_pattern.matches_event(original_event):
            return
        for target in [target for target in self.targets if ":lambda:" in target["Arn"]]:
            deliver(self.arn, target, original_event)
        if any(":lambda:" not in target["Arn"] for target in self.targets):
            _Rest(self, original)(original_event, transform_input)

    moto_seams.RULE_TARGETS.replace(send_to_targets)


class _Rest:
    """A copy of a rule for moto, without function targets."""

    def __init__(self, rule: MotoValue, send: MotoValue) -> None:
        self._rule, self._send = rule, send
        self.targets = [target for target in rule.targets if ":lambda:" not in target["Arn"]]

    def __getattr__(self, name: str) -> MotoValue:
        return getattr(self._rule, name)

    def __call__(self, event: dict[str, MotoValue], transform_input: bool) -> None:
        self._send(self, event, transform_input)
