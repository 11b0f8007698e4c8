"""What is put into the seams of moto's Step Functions engine: scaled waits, Lambda calls, status change events."""

import io
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import lru_cache
from threading import Lock
from types import SimpleNamespace
from typing import Any, Final
from weakref import WeakSet

from local import moto_seams
from local.event_bridge import execution_status_change
from local.lambda_answers import Answer, error_answer
from local.lambda_runtime import TooManyRequestsError, UnknownFunctionError

# moto carries no types for its engine: what comes from it is Any throughout this module.

_ENGINE: Final = "moto.stepfunctions."


def scale_time(scale: float) -> None:
    """Let relative waits and the back-off of retries take 1/`scale` of their time; waits until an instant never."""
    until = moto_seams.WAIT_UNTIL.owner

    def wait_interval(self: Any, env: Any, wait_seconds: float) -> None:  # noqa: ANN401
        seconds = wait_seconds if isinstance(self, until) else wait_seconds / scale
        _wait(env, seconds)

    def seconds_until(self: Any, env: Any) -> float:  # noqa: ANN401
        self.string.eval(env=env)
        said = env.stack.pop()
        instant = self._from_timestamp_string(timestamp=said)
        if instant is None:
            # Asked again, the engine raises a failure event of its own.
            return float(original(self, env))
        return float((instant.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds())

    original = moto_seams.WAIT_UNTIL.original
    moto_seams.WAIT.replace(wait_interval)
    moto_seams.WAIT_UNTIL.replace(seconds_until)
    moto_seams.RETRY_SLEEP.replace(SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / scale)))


def _wait(env: Any, seconds: float) -> None:  # noqa: ANN401
    """Wait, or until the execution is stopped."""
    end = time.monotonic() + seconds
    while env.is_running() and (left := end - time.monotonic()) > 0:
        env.program_state_event.wait(left)


def use_clients(clients: Callable[[str], Any], submit: Callable[[str, bytes], Future[Answer]]) -> None:
    """Give the engine kept clients, and a Lambda that runs functions without another HTTP request."""
    functions = _Lambda(submit)
    original = moto_seams.ENGINE_CLIENTS.original

    def boto_client_for(region: str, service: str, state_credentials: object = None) -> Any:  # noqa: ANN401, ARG001 (moto's)
        return functions if service == "lambda" else clients(service)

    for name, module in list(sys.modules.items()):
        if name.startswith(_ENGINE) and getattr(module, "boto_client_for", None) is original:
            module.boto_client_for = boto_client_for  # type: ignore[attr-defined] # each task module imported it by name
    moto_seams.ENGINE_CLIENTS.replace(boto_client_for)


class _Lambda:
    """The one call of a Lambda client that the engine makes."""

    def __init__(self, submit: Callable[[str, bytes], Future[Answer]]) -> None:
        self._submit = submit

    def invoke(self, FunctionName: str, Payload: bytes = b"{}", **_: object) -> dict[str, Any]:  # noqa: N803 (boto3's names)
        answer = self._run(FunctionName, Payload)
        failed = {"FunctionError": "Unhandled"} if answer.failed else {}
        return {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": io.BytesIO(answer.payload), **failed}

    def _run(self, name: str, payload: bytes) -> Answer:
        try:
            return self._submit(name, payload).result()
        except TooManyRequestsError as error:
            # The engine takes the error's name from the payload, so that Step Functions' own names come out.
            return error_answer("Lambda.TooManyRequestsException", str(error))
        except UnknownFunctionError as error:
            return error_answer("Lambda.ResourceNotFoundException", str(error))


def parse_once() -> None:
    """Keep the syntax tree of each definition; executions still get components of their own."""
    original, preprocessor = moto_seams.PARSE.original, moto_seams.READ_TREE.owner

    @lru_cache(maxsize=32)
    def tree_of(definition: str) -> Any:  # noqa: ANN401
        return original(definition)[1]

    def parse(definition: str) -> tuple[Any, Any]:
        tree = tree_of(definition)
        return preprocessor().visit(tree), tree

    moto_seams.PARSE.replace(staticmethod(parse))


def publish_status_changes(publish: Callable[[dict[str, Any]], None]) -> None:
    """Publish an event when an execution starts and when it ends; a stopped one ends at once."""
    start, end, stop = (
        seam.original for seam in (moto_seams.EXECUTION_START, moto_seams.EXECUTION_END, moto_seams.EXECUTION_STOP)
    )
    ended: WeakSet[Any] = WeakSet()
    lock = Lock()

    def started(self: Any) -> None:  # noqa: ANN401
        start(self)
        publish(execution_status_change(self))

    def terminated(self: Any) -> None:  # noqa: ANN401
        execution = self.execution
        with lock:
            if execution in ended:
                return
            ended.add(execution)
            end(self)
        publish(execution_status_change(execution))

    def stopped(self: Any, stop_date: Any, error: str | None, cause: str | None) -> None:  # noqa: ANN401
        stop(self, stop_date, error, cause)
        if self.exec_worker is not None and not self.exec_worker.env.is_running():
            self.exec_worker._execution_communication.terminated()  # noqa: SLF001 (part of the seam)

    moto_seams.EXECUTION_START.replace(started)
    moto_seams.EXECUTION_END.replace(terminated)
    moto_seams.EXECUTION_STOP.replace(stopped)


def deliver_to_functions(deliver: Callable[[str, dict[str, Any], dict[str, Any]], None]) -> None:
    """Hand events whose rule has a function as target to `deliver`; moto serves the other targets."""
    original = moto_seams.RULE_TARGETS.original

    def send_to_targets(self: Any, original_event: dict[str, Any], transform_input: bool = True) -> None:  # noqa: ANN401 (moto's)
        if self.state != "ENABLED" or not self.event_pattern.matches_event(original_event):
            return
        for target in [target for target in self.targets if ":lambda:" in target["Arn"]]:
            deliver(self.arn, target, original_event)
        if any(":lambda:" not in target["Arn"] for target in self.targets):
            _Rest(self, original)(original_event, transform_input)

    moto_seams.RULE_TARGETS.replace(send_to_targets)


class _Rest:
    """A rule as moto sees it, without the targets that are functions."""

    def __init__(self, rule: Any, send: Any) -> None:  # noqa: ANN401
        self._rule, self._send = rule, send
        self.targets = [target for target in rule.targets if ":lambda:" not in target["Arn"]]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._rule, name)

    def __call__(self, event: dict[str, Any], transform_input: bool) -> None:
        self._send(self, event, transform_input)
