"""AWS Step Functions ends an execution that needs more than 25,000 events, so no retry may fill a history."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.functions import ROOT

HISTORY_LIMIT: Final = 25_000
EVENTS_OF_A_TRY: Final = 3
"""A task is scheduled, started, and has succeeded or failed."""
LEFT_FOR_THE_REST: Final = HISTORY_LIMIT // 10


def tasks_of(states: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in states.items():
        if state["Type"] == "Task":
            yield name, state
        elif state["Type"] == "Map":
            yield from tasks_of(state["ItemProcessor"]["States"])


TASKS: Final = {
    f"{file.name.partition('.')[0]}-{name}": task
    for file in sorted(ROOT.glob("statemachine/*.asl.json"))
    for name, task in tasks_of(json.loads(file.read_text("utf-8"))["States"])
}


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_task_that_fails_as_often_as_it_may_leaves_room_in_its_executions_history(task: dict[str, Any]) -> None:
    tries = 1 + sum(rule["MaxAttempts"] for rule in task.get("Retry", ()))
    assert tries * EVENTS_OF_A_TRY <= HISTORY_LIMIT - LEFT_FOR_THE_REST
