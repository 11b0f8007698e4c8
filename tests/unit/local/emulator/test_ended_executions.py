"""What executions leave in memory after their end."""

import gc
import json
from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import pytest

from local.emulator import moto_backends, moto_seams, step_functions

HISTORIES = 3
_ROLE = "arn:aws:iam::123456789012:role/machine"
_MACHINE = {"StartAt": "Done", "States": {"Done": {"Type": "Pass", "End": True}}}
_CHANGED = (
    moto_seams.EXECUTION_START,
    moto_seams.EXECUTION_END,
    moto_seams.EXECUTION_STOP,
    moto_seams.NEW_MODEL,
)
_OF_THE_ENGINE = {"Environment", "ExecutionWorker", "StateMachine", "EventManager", "Thread"}


class Machine:
    """A state machine of one step, and the ends of its executions."""

    def __init__(self, backend: Any) -> None:  # noqa: ANN401 - moto's backend
        self._backend = backend
        self.arn = backend.create_state_machine("machine", json.dumps(_MACHINE), _ROLE).arn
        self._published = Event()

    def publish(self, event: dict[str, Any], then: Any) -> None:  # noqa: ANN401 - the seam's callable
        then()
        if json.loads(event["Detail"])["status"] != "RUNNING":
            self._published.set()

    def run(self, name: str) -> Any:  # noqa: ANN401 - moto's execution
        """Run one execution to its end, which is published."""
        self._published.clear()
        execution = self._backend.start_execution(self.arn, name, "{}", None)
        assert self._published.wait(60)
        return execution

    def history(self, execution: Any) -> list[str]:  # noqa: ANN401 - moto's execution
        return [event["type"] for event in execution.to_history_output()["events"]]


@pytest.fixture
def machine() -> Iterator[Machine]:
    moto_backends.import_engine()
    from moto.stepfunctions.parser.models import StepFunctionsParserBackend

    originals = [seam.original for seam in _CHANGED]
    moto_backends.forget_dropped_objects()
    machine = Machine(StepFunctionsParserBackend("eu-west-1", "123456789012"))
    step_functions.publish_status_changes(machine.publish, histories_kept=HISTORIES)
    yield machine
    for seam, original in zip(_CHANGED, originals, strict=True):
        seam.replace(original)


def counted() -> dict[str, int]:
    gc.collect()
    names = [type(one).__name__ for one in gc.get_objects() if "stepfunctions" in str(type(one).__module__)]
    threads: list[Thread] = moto_seams.ENGINE_THREADS.original
    return {name: names.count(name) for name in _OF_THE_ENGINE} | {"Thread": len(threads)}


def test_what_stays_in_memory_of_executions_does_not_grow_with_their_number(machine: Machine) -> None:
    for number in range(HISTORIES * 2):
        machine.run(f"first-{number}")
    before = counted()
    for number in range(30):
        machine.run(f"then-{number}")
    after = counted()
    assert all(after[name] <= before[name] + 1 for name in before), (before, after)


def test_the_newest_executions_keep_their_histories_and_all_keep_how_they_ended(machine: Machine) -> None:
    executions = [machine.run(f"job-{number}") for number in range(HISTORIES + 1)]
    assert machine.history(executions[0]) == []
    assert [bool(machine.history(execution)) for execution in executions[1:]] == [True] * HISTORIES
    assert {execution.exec_status for execution in executions} == {"SUCCEEDED"}
    assert {execution.to_describe_output()["output"] for execution in executions} == {"{}"}


def test_an_ended_execution_takes_no_callback_and_no_stop(machine: Machine) -> None:
    execution = machine.run("job")
    assert not execution.exec_worker.env.callback_pool_manager.notify(callback_id="token", outcome=None)
    execution.stop(None, None, None)
    assert execution.exec_status == "SUCCEEDED"
