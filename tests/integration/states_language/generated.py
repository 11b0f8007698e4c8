"""Small machines of the states that the shipped ones use, and what their functions answer."""

from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

ERRORS: Final = ("BusyError", "GoneError", "Lambda.TooManyRequestsException")
"""What functions fail with."""
_RESERVED: Final = ("States.TaskFailed", "States.Timeout")
_INVOKE: Final = "arn:aws:states:::lambda:invoke"
_FUNCTION: Final = "arn:aws:lambda:eu-west-1:123456789012:function:"
_AGAIN: Final = "again"
VERDICTS: Final = ("a", "b", _AGAIN, _AGAIN)

State = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A machine, and the executions of it that are compared."""

    definition: dict[str, Any]
    runs: tuple[dict[str, Any], ...]
    """For each the `answers` of its functions and whether it is `silent`: nobody returns a task token."""


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Two to five states that lead to later ones, or back to a task by a verdict, and the two ends."""
    names = [f"S{number}" for number in range(draw(st.integers(2, 5)))]
    states: dict[str, State] = {}
    for position, name in enumerate(names):
        later = [*names[position + 1 :], "Done", "Failed"]
        tasks = [each for each in names[:position] if is_told(states[each])]
        # A choice after the task that it asks about is what loops are made of.
        follows_one = names[position - 1] in tasks and draw(st.integers(0, 3)) > 0
        states[name] = draw(choice(later, tasks) if follows_one else one_state(name, later, tasks))
    ends = {"Done": {"Type": "Succeed"}, "Failed": {"Type": "Fail", "Error": "EndedError", "Cause": "the end"}}
    runs = [{"answers": draw(st.lists(answers(), min_size=2, max_size=8)), "silent": False} for _ in range(3)]
    if any("waitForTaskToken" in state.get("Resource", "") for state in states.values()):
        runs.append({"answers": draw(st.lists(answers(), max_size=4)), "silent": True})
    return Case({"StartAt": names[0], "States": {**states, **ends}}, tuple(runs))


def is_told(state: State) -> bool:
    """Whether a state asks a function for a new verdict where choices look for it."""
    return (state["Type"], state.get("ResultPath")) == ("Task", "$.told")


def answers() -> st.SearchStrategy[dict[str, Any]]:
    errors = st.fixed_dictionaries({"error": st.sampled_from(ERRORS)})
    verdicts = st.fixed_dictionaries({"verdict": st.sampled_from(VERDICTS), "wait": st.integers(1, 9)})
    return st.one_of(errors, verdicts)


def following(later: list[str]) -> st.SearchStrategy[str]:
    """Mostly the next state, so that an execution meets most of its machine."""
    return st.sampled_from([*[later[0]] * 4, *later])


def one_state(name: str, later: list[str], tasks: list[str]) -> st.SearchStrategy[State]:
    return st.one_of(
        *(task(name, later), task(name, later), token(name, later)),
        *(choice(later, tasks), wait(later), mapped(name, later)),
    )


@st.composite
def task(draw: st.DrawFn, name: str, later: list[str]) -> State:
    """A call of a function, as StartGeneration, SettleJob and their like have it."""
    chosen = {"job_id.$": "$.job_id", "verdict.$": "$.told.verdict", "fixed": [1, {"deep": None}]}
    return {
        "Type": "Task",
        "Resource": _INVOKE,
        "Parameters": {
            "FunctionName": _FUNCTION + name,
            **draw(st.sampled_from([{"Payload": chosen}, {"Payload.$": "$"}])),
        },
        "ResultSelector": {"verdict.$": "$.Payload.verdict", "wait.$": "$.Payload.wait", "fixed": "text"},
        "ResultPath": draw(st.sampled_from(["$.told", "$.told", "$.other", None])),
        "TimeoutSeconds": 300,
        **draw(handlers(later)),
        "Next": draw(following(later)),
    }


@st.composite
def token(draw: st.DrawFn, name: str, later: list[str]) -> State:
    """A wait for a task token, as WaitForCallback has it."""
    return {
        "Type": "Task",
        "Resource": f"{_INVOKE}.waitForTaskToken",
        "Parameters": {
            "FunctionName": _FUNCTION + name,
            "Payload": {"job_id.$": "$.job_id", "task_token.$": "$$.Task.Token"},
        },
        "ResultPath": draw(st.sampled_from(["$.other", None])),
        "TimeoutSecondsPath": "$.patience",
        **draw(handlers(later, most=1)),
        "Next": draw(following(later)),
    }


@st.composite
def choice(draw: st.DrawFn, later: list[str], tasks: list[str]) -> State:
    """A choice by a verdict; only `again` leads back, to a task that is told another one."""
    rules = [
        {"Variable": "$.told.verdict", "StringEquals": verdict, "Next": draw(following(later))}
        for verdict in draw(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3))
    ]
    if tasks:
        back = {"Variable": "$.told.verdict", "StringEquals": _AGAIN, "Next": draw(st.sampled_from(tasks))}
        rules.insert(draw(st.integers(0, len(rules))), back)
    return {"Type": "Choice", "Choices": rules, "Default": draw(st.sampled_from(later))}


@st.composite
def wait(draw: st.DrawFn, later: list[str]) -> State:
    ways = [{"Seconds": draw(st.integers(1, 300))}, {"SecondsPath": "$.told.wait"}, {"TimestampPath": "$.then"}]
    return {"Type": "Wait", **draw(st.sampled_from(ways)), "Next": draw(following(later))}


@st.composite
def mapped(draw: st.DrawFn, name: str, later: list[str]) -> State:
    """A call for each item, one after the other, as SubmitLines has it."""
    inner = draw(task(f"{name}Item", [f"{name}Failed"]))
    inner["Parameters"] = {"FunctionName": f"{_FUNCTION}{name}Item", "Payload.$": "$"}
    del inner["Next"]
    failed = {"Type": "Fail", "Error": "ItemError", "Cause": "an item"}
    states = {f"{name}Item": {**inner, "End": True}}
    if "Catch" in inner:
        states[f"{name}Failed"] = failed
    return {
        "Type": "Map",
        "ItemsPath": "$.items",
        "MaxConcurrency": 1,
        "ItemSelector": {
            "job_id.$": "$.job_id",
            "told.$": "$.told",
            "item.$": "$$.Map.Item.Value.name",
            "number.$": "$$.Map.Item.Index",
        },
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": f"{name}Item", "States": states},
        "ResultPath": draw(st.sampled_from(["$.other", None])),
        **draw(handlers(later, most=1, names=(*ERRORS, "ItemError"))),
        "Next": draw(following(later)),
    }


@st.composite
def handlers(
    draw: st.DrawFn, later: list[str], most: int = 3, names: tuple[str, ...] = (*ERRORS, *_RESERVED)
) -> dict[str, list[State]]:
    """Retriers and catchers in any order; `States.ALL` stands alone and last, as it must."""
    named = st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True)
    retriers = [{"ErrorEquals": each, **draw(patience(most))} for each in draw(st.lists(named, max_size=3))]
    catchers = [{"ErrorEquals": each, **draw(way_out(later))} for each in draw(st.lists(named, max_size=2))]
    if draw(st.booleans()):
        retriers.append({"ErrorEquals": ["States.ALL"], **draw(patience(most))})
    if draw(st.booleans()):
        catchers.append({"ErrorEquals": ["States.ALL"], **draw(way_out(later))})
    return {name: each for name, each in (("Retry", retriers), ("Catch", catchers)) if each}


@st.composite
def patience(draw: st.DrawFn, most: int) -> State:
    """How a retrier repeats; what it does not say has its default."""
    interval, delay = draw(st.integers(1, 5)), draw(st.integers(6, 20))
    said = {
        "IntervalSeconds": interval,
        "MaxAttempts": draw(st.integers(0, most)),
        "BackoffRate": draw(st.sampled_from([1, 1.5, 2, 3])),
        "MaxDelaySeconds": delay,
    }
    needed = {"MaxAttempts"} if most == 1 else set()
    kept = {name for name in said if draw(st.booleans())} | needed
    return {name: value for name, value in said.items() if name in kept}


@st.composite
def way_out(draw: st.DrawFn, later: list[str]) -> State:
    return {"ResultPath": draw(st.sampled_from(["$.error", "$.other"])), "Next": draw(following(later))}
