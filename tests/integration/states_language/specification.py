"""What the Amazon States Language says of the states that the shipped machines use, as plainly as it can be written.

Source: https://states-language.net/spec.html (JSONPath). One execution is played at a time, on no clock: it returns the
seconds that it would have waited.
"""

import copy
from dataclasses import dataclass, field
from typing import Any, Final

DEFAULTS: Final = {"IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 2.0}
"""Of a retrier that does not say them."""
MOST_STATES: Final = 60

Json = Any
State = dict[str, Any]
Answer = dict[str, Any]


class ReportedError(Exception):
    """An error by its name, on its way to a retrier, a catcher or the end of the execution."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class EndlessError(Exception):
    """The machine entered too many states."""


@dataclass
class Execution:
    """What one execution does, in the order in which it does it."""

    answers: list[Answer]
    """What tasks come to, whichever is next; those after the last one succeed."""
    silent: bool = False
    """Whether nobody returns a task token."""
    states: list[str] = field(default_factory=list)
    calls: list[dict[str, Json]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    """The seconds of waits and of back-offs that are longer than none."""
    errors: list[str] = field(default_factory=list)
    """Each error that a state reported."""
    retried: bool = False
    given_up: bool = False
    """Whether a retrier had no attempts left."""
    caught: bool = False
    abandons_items: bool = False
    """Whether a map failed before its last item."""
    end: dict[str, Json] = field(default_factory=dict)
    """`{"status", "output"}`, the output of a failed one being the error's name."""

    def play(self, definition: dict[str, Any], given: Json) -> None:
        """Play the execution to its end."""
        try:
            self.end = {"output": self.machine(definition, given, {}), "status": "SUCCEEDED"}
        except ReportedError as error:
            self.end = {"output": error.name, "status": "FAILED"}

    def machine(self, definition: dict[str, Any], memory: Json, context: Json) -> Json:
        name = definition["StartAt"]
        while name is not None:
            if len(self.states) >= MOST_STATES:
                raise EndlessError
            self.states.append(name)
            name, memory = self.visit(definition["States"][name], memory, context)
        return memory

    def visit(self, state: State, memory: Json, context: Json) -> tuple[str | None, Json]:
        """Return the next state, None at the end, and what it receives."""
        # The counts of a retrier are those of one visit.
        retried = [0] * len(state.get("Retry", []))
        while True:
            try:
                return self.run(state, memory, context)
            except ReportedError as error:
                self.errors.append(error.name)
                position = matching(state.get("Retry", []), error.name)
                if position is not None and self.retries(state["Retry"][position], retried, position):
                    continue
                caught = matching(state.get("Catch", []), error.name)
                if caught is None:
                    raise
                catcher, self.caught = state["Catch"][caught], True
                return catcher["Next"], put(memory, catcher.get("ResultPath", "$"), {"Error": error.name})

    def retries(self, retrier: State, retried: list[int], position: int) -> bool:
        """Tell whether a state is tried again by the retrier that its error matched, and wait for it."""
        said = {**DEFAULTS, **retrier}
        if retried[position] >= said["MaxAttempts"]:
            self.given_up = True
            return False
        self.retried = True
        seconds = said["IntervalSeconds"] * said["BackoffRate"] ** retried[position]
        self.wait(min(seconds, said.get("MaxDelaySeconds", seconds)))
        retried[position] += 1
        return True

    def run(self, state: State, memory: Json, context: Json) -> tuple[str | None, Json]:
        match state["Type"]:
            case "Succeed":
                return None, memory
            case "Fail":
                raise ReportedError(state["Error"])
            case "Choice":
                return choice(state, memory), memory
            case "Wait":
                self.wait(state["Seconds"] if "Seconds" in state else seconds_of(state, memory))
                return state["Next"], memory
            case "Map":
                result = self.map(state, memory)
            case _:
                result = self.task(state, memory, context)
        if "ResultSelector" in state:
            result = filled(state["ResultSelector"], result, context)
        return state.get("Next"), put(memory, state.get("ResultPath", "$"), result)

    def map(self, state: State, memory: Json) -> Json:
        results: list[Json] = []
        items = at(memory, state["ItemsPath"], {})
        for index, value in enumerate(items):
            context = {"Map": {"Item": {"Index": index, "Value": value}}}
            item = filled(state["ItemSelector"], memory, context)
            try:
                results.append(self.machine(state["ItemProcessor"], item, context))
            except ReportedError:
                self.abandons_items |= index < len(items) - 1
                raise
        return results

    def task(self, state: State, memory: Json, context: Json) -> Json:
        tokens = state["Resource"].endswith(".waitForTaskToken")
        parameters = filled(state["Parameters"], memory, {**context, "Task": {"Token": "token"}})
        self.calls.append({"state": parameters["FunctionName"].rpartition(":")[2], "payload": parameters["Payload"]})
        if tokens and self.silent:
            raise ReportedError("States.Timeout")
        answer = self.answers.pop(0) if self.answers else {}
        if "error" in answer:
            raise ReportedError(answer["error"])
        return posted(answer) if tokens else {"Payload": payload(answer)}

    def wait(self, seconds: float) -> None:
        if seconds > 0:
            self.waits.append(float(seconds))


def payload(answer: Answer) -> Json:
    """What a function answers."""
    return {"verdict": answer.get("verdict", "done"), "wait": answer.get("wait", 1)}


def posted(answer: Answer) -> Json:
    """What comes with the task token."""
    return {"posted": answer.get("verdict", "done")}


def matching(handlers: list[State], error: str) -> int | None:
    """The place of the first retrier or catcher that names an error."""
    for position, handler in enumerate(handlers):
        for name in handler["ErrorEquals"]:
            if name in ("States.ALL", error) or (name == "States.TaskFailed" and error != "States.Timeout"):
                return position
    return None


def choice(state: State, memory: Json) -> str:
    for rule in state["Choices"]:
        if at(memory, rule["Variable"], {}) == rule["StringEquals"]:
            return str(rule["Next"])
    return str(state["Default"])


def seconds_of(state: State, memory: Json) -> float:
    """The seconds of a wait; none until an instant, since all of these have passed."""
    return float(at(memory, state["SecondsPath"], {})) if "SecondsPath" in state else 0.0


def filled(template: Json, memory: Json, context: Json) -> Json:
    """A payload template with its paths replaced by what is there."""
    if isinstance(template, list):
        return [filled(each, memory, context) for each in template]
    if not isinstance(template, dict):
        return template
    return {
        name.removesuffix(".$"): at(memory, value, context) if name.endswith(".$") else filled(value, memory, context)
        for name, value in template.items()
    }


def at(memory: Json, path: str, context: Json) -> Json:
    """What stands at a reference path; `$$` is the context."""
    found = context if path.startswith("$$") else memory
    for name in path.lstrip("$").split("."):
        if name:
            found = found[name]
    return copy.deepcopy(found)


def put(memory: Json, path: str | None, result: Json) -> Json:
    """What a state hands on: a path of null leaves out its result, `$` leaves out what it received."""
    if path is None:
        return memory
    return result if path == "$" else {**memory, path.removeprefix("$."): result}
