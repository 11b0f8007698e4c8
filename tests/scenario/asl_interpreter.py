"""The shipped state machine, played one state at a time on a clock that stands still: what its file says, and no more
of the States Language than the file uses.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from fermata.domain.finish.overdue import Execution
from fermata.errors import FermataError
from tests.scenario.seams import CrashError

_FILE: Final = Path(__file__).parents[2] / "statemachine" / "music_job.asl.json"
STATES: Final[dict[str, dict[str, Any]]] = json.loads(_FILE.read_text("utf-8"))["States"]
START_AT: Final[str] = json.loads(_FILE.read_text("utf-8"))["StartAt"]

_ENDS: Final = ("Succeed", "Fail")
_EVENTS_OF_A_STATE: Final = 2
_EVENTS_OF_A_CALL: Final = 3
_EVENTS_OF_AN_EXECUTION: Final = 2

Functions = Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]]
"""What a function answers to its payload, by the name that the machine's file substitutes its ARN for."""


@dataclass
class Played:
    """One execution. It is due at `due`; `awaits` is the task token of the callback that it sleeps on."""

    job_id: str
    due: datetime
    state: str = START_AT
    awaits: str | None = None
    memory: dict[str, Any] = field(default_factory=dict)
    tries: dict[int, int] = field(default_factory=dict)
    states: int = 0
    has_ended: bool = False
    events: int = _EVENTS_OF_AN_EXECUTION
    """Events in the execution's history, as AWS writes it: its start and end, every state entered and left, and every
    call scheduled, started and ended; one more for a call that hands out a task token. AWS ends an execution at 25,000.
    """

    def __post_init__(self) -> None:
        self.memory["job_id"] = self.job_id

    @property
    def is_over(self) -> bool:
        return self.has_ended or STATES[self.state]["Type"] in _ENDS

    def play(self, functions: Functions, now: datetime, *, posted: bool = False) -> None:
        """Leave the state that it is in; `posted` ends the wait for a callback."""
        state = STATES[self.state]
        self.states += 1
        match state["Type"]:
            case "Choice":
                self._enter(_choice(state, self.memory))
            case "Wait":
                # The instant was set as the state was entered.
                self._enter(state["Next"])
            case "Task" if self.awaits is not None:
                self.awaits = None
                self._enter(state["Next"] if posted else _caught(state, "States.Timeout")["Next"])
            case "Task":
                self._run(state, functions, now)
        self._sleep(now)

    def _run(self, state: dict[str, Any], functions: Functions, now: datetime) -> None:
        waits = state["Resource"].endswith(".waitForTaskToken")
        self.events += _EVENTS_OF_A_CALL + waits
        token = f"{self.job_id}/{self.states}" if waits else None
        payload = _payload(state["Parameters"], self.memory, token)
        try:
            answer = functions[state["Parameters"]["FunctionName"]](payload)
        except CrashError:
            self._failed(state, "Lambda.Unknown", now)
        except FermataError as error:
            self._failed(state, type(error).__name__, now)
        else:
            if waits:
                self.awaits = token
                self.due = now + timedelta(seconds=_at(self.memory, state["TimeoutSecondsPath"]))
                return
            if state["ResultPath"]:
                self.memory[state["ResultPath"].removeprefix("$.")] = answer
            if state.get("End"):
                self.has_ended = True
            else:
                self._enter(state["Next"])

    def _failed(self, state: dict[str, Any], error: str, now: datetime) -> None:
        for position, retry in enumerate(state.get("Retry", [])):
            if {error, "States.ALL"} & set(retry["ErrorEquals"]):
                if self.tries.get(position, 0) < retry["MaxAttempts"]:
                    self.tries[position] = self.tries.get(position, 0) + 1
                    self.due = now + timedelta(seconds=retry["IntervalSeconds"])
                    return
                break
        caught = _caught(state, error)
        self.memory[caught["ResultPath"].removeprefix("$.")] = {"Error": error}
        self._enter(caught["Next"])

    def _enter(self, name: str) -> None:
        self.events += _EVENTS_OF_A_STATE * (2 if STATES[name]["Type"] in _ENDS else 1)
        self.state = name
        self.tries = {}

    def _sleep(self, now: datetime) -> None:
        state = STATES[self.state]
        if state["Type"] == "Wait" and "TimestampPath" in state:
            self.due = datetime.fromisoformat(_at(self.memory, state["TimestampPath"]))
        elif state["Type"] == "Wait":
            self.due = now + timedelta(seconds=_at(self.memory, state["SecondsPath"]))
        elif self.awaits is None and not self.tries:
            self.due = now


class AslInterpreter:
    """The `JobMachine` whose executions a test plays. One that was stopped has ended."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.executions: dict[str, Played] = {}
        self.stopped: set[str] = set()

    def start(self, job_id: str, name: str | None = None) -> None:
        self.executions.setdefault(name or job_id, Played(job_id, self._clock()))

    def execution(self, name: str) -> Execution:
        played = self.executions.get(name)
        if played is None:
            return Execution.ABSENT
        return Execution.ENDED if played.is_over or name in self.stopped else Execution.RUNNING

    def running(self) -> list[Played]:
        """Every execution that goes on, the first that is due first."""
        going = [each for each in self.executions.values() if not each.is_over and each.job_id not in self.stopped]
        return sorted(going, key=lambda each: each.due)


def _choice(state: dict[str, Any], memory: dict[str, Any]) -> str:
    for each in state["Choices"]:
        if _at(memory, each["Variable"]) == each["StringEquals"]:
            return str(each["Next"])
    return str(state["Default"])


def _caught(state: dict[str, Any], error: str) -> dict[str, Any]:
    return next(dict(each) for each in state["Catch"] if {error, "States.ALL"} & set(each["ErrorEquals"]))


def _payload(parameters: dict[str, Any], memory: dict[str, Any], token: str | None) -> dict[str, Any]:
    if "Payload.$" in parameters:
        return memory
    named = parameters["Payload"].items()
    return {
        name.removesuffix(".$"): _at(memory, value, token) if name.endswith(".$") else value for name, value in named
    }


def _at(memory: dict[str, Any], path: str, token: str | None = None) -> Any:  # noqa: ANN401 - any JSON
    if path == "$$.Task.Token":
        return token
    found: Any = memory
    for name in path.removeprefix("$.").split("."):
        found = found[name]
    return found
