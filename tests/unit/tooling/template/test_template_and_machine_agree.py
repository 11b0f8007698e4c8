"""Template, state machines, function folders and error names say the same.

`sam validate --lint` accepts a machine whose StartAt does not exist and a substitution that nobody gives.
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fermata.errors
import fermata.limit_errors
from local.deploy.intrinsics import TemplateValue

pytestmark = pytest.mark.check

FUNCTION = "AWS::Serverless::Function"
STATE_MACHINE = "AWS::Serverless::StateMachine"
SUBSTITUTION = re.compile(r"\$\{(\w+)\}")
ERRORS_OF_AWS = {
    "States.ALL": "every error but those of the definition itself",
    "States.Timeout": "a state took longer than its TimeoutSeconds",
    "Lambda.TooManyRequestsException": "Lambda refused the call: the function never ran",
}
"""The names that our machines match on beside our own; another is added here with what it means."""
SECONDS_BEYOND_THE_FUNCTION = 60
Definition = dict[str, Any]


def _of_type(resources: Definition, kind: str) -> Definition:
    return {name: resource["Properties"] for name, resource in resources.items() if resource["Type"] == kind}


def _scopes(definition: Definition) -> Iterator[Definition]:
    """The machine and every machine inside its Map and Parallel states: a state only leads to one in its scope."""
    yield definition
    for state in definition["States"].values():
        for inner in [
            *state.get("Branches", []),
            *[state[key] for key in ("ItemProcessor", "Iterator") if key in state],
        ]:
            yield from _scopes(inner)


def _states(machines: dict[str, Definition]) -> dict[str, Definition]:
    return {
        f"{path}: {name}": state
        for path, machine in machines.items()
        for scope in _scopes(machine)
        for name, state in scope["States"].items()
    }


def _targets(state: Definition) -> set[str]:
    followers = [state, *state.get("Choices", []), *state.get("Catch", [])]
    named = {follower["Next"] for follower in followers if "Next" in follower}
    return named | ({state["Default"]} if "Default" in state else set())


def _strings(value: TemplateValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def _substitutions(definition: TemplateValue) -> set[str]:
    return {name for text in _strings(definition) for name in SUBSTITUTION.findall(text)}


def _tasks(machines: dict[str, Definition]) -> dict[str, Definition]:
    return {name: state for name, state in _states(machines).items() if state["Type"] == "Task"}


def _timeout_of(function: Definition, template: Definition) -> int:
    timeout = function.get("Timeout", template["Globals"]["Function"]["Timeout"])
    return int(template["Parameters"][timeout["Ref"]]["Default"] if isinstance(timeout, dict) else timeout)


def test_every_machine_file_belongs_to_one_machine_and_every_machine_has_a_file(
    resources: Definition, machines: dict[str, Definition]
) -> None:
    written = sorted(machine["DefinitionUri"] for machine in _of_type(resources, STATE_MACHINE).values())

    assert written == sorted(machines)
    assert written


def test_every_substitution_is_given_and_every_given_one_is_used(
    resources: Definition, machines: dict[str, Definition]
) -> None:
    for name, machine in _of_type(resources, STATE_MACHINE).items():
        given = set(machine.get("DefinitionSubstitutions", {}))

        assert _substitutions(machines[machine["DefinitionUri"]]) == given, name


def test_a_substitution_is_named_after_what_it_stands_for(resources: Definition) -> None:
    functions = _of_type(resources, FUNCTION)
    for machine in _of_type(resources, STATE_MACHINE).values():
        for name, value in machine["DefinitionSubstitutions"].items():
            logical_id, _, attribute = _attribute(value)
            if logical_id in functions:
                assert (name, attribute) == (f"{logical_id}Arn", "Version")


def _attribute(value: TemplateValue) -> tuple[str, str, str]:
    """The parts of a reference to an attribute; `!Ref Function.Version` is SAM's form for a version's ARN."""
    reference = (value.get("Fn::GetAtt") or value.get("Ref", "")) if isinstance(value, dict) else ""
    return (reference if isinstance(reference, str) else ".".join(reference)).partition(".")


def test_every_target_exists_and_every_state_is_reached(machines: dict[str, Definition]) -> None:
    for path, machine in machines.items():
        for scope in _scopes(machine):
            reached: set[str] = set()
            found = {scope["StartAt"]}
            while found - reached:
                name = (found - reached).pop()
                assert name in scope["States"], f"{path}: no state {name}"
                reached.add(name)
                found |= _targets(scope["States"][name])

            assert reached == set(scope["States"]), path


def test_every_machine_and_every_state_is_explained(machines: dict[str, Definition]) -> None:
    explained = {**machines, **_states(machines)}

    assert [name for name, part in explained.items() if not part.get("Comment", "").strip()] == []


def test_every_machine_ends_in_time(machines: dict[str, Definition]) -> None:
    assert [path for path, machine in machines.items() if machine.get("TimeoutSeconds", 0) <= 0] == []


def test_every_task_has_a_timeout_and_catches_everything(machines: dict[str, Definition]) -> None:
    for name, task in _tasks(machines).items():
        caught = {error for catcher in task.get("Catch", []) for error in catcher["ErrorEquals"]}

        assert "TimeoutSeconds" in task or "TimeoutSecondsPath" in task, name
        assert "States.ALL" in caught, name


def test_a_task_waits_a_minute_longer_than_its_function_runs(
    template: Definition, resources: Definition, machines: dict[str, Definition]
) -> None:
    functions = _of_type(resources, FUNCTION)
    compared = 0
    for machine in _of_type(resources, STATE_MACHINE).values():
        called = {f"${{{name}}}": _attribute(value)[0] for name, value in machine["DefinitionSubstitutions"].items()}
        for name, task in _tasks({"machine": machines[machine["DefinitionUri"]]}).items():
            function = functions.get(called.get(task.get("Parameters", {}).get("FunctionName", task["Resource"]), ""))
            if function is None or task["Resource"].endswith(".waitForTaskToken"):
                continue
            assert task["TimeoutSeconds"] == _timeout_of(function, template) + SECONDS_BEYOND_THE_FUNCTION, name
            compared += 1

    assert compared


def test_every_error_name_is_a_class_of_the_error_tree_or_a_listed_one_of_aws(machines: dict[str, Definition]) -> None:
    tree = fermata.errors.FermataError
    classes = (*vars(fermata.errors).items(), *vars(fermata.limit_errors).items())
    ours = {name for name, value in classes if inspect.isclass(value) and issubclass(value, tree)}
    used = {
        error
        for state in _states(machines).values()
        for rule in [*state.get("Retry", []), *state.get("Catch", [])]
        for error in rule["ErrorEquals"]
    }

    assert used - ours == set(ERRORS_OF_AWS)


def test_every_folder_is_a_function_and_every_function_a_folder(root: Path, resources: Definition) -> None:
    folders = {path.parent.name for path in root.glob("functions/*/app.py")}
    expected = {f"{''.join(word.title() for word in name.split('_'))}Function": f"functions/{name}" for name in folders}

    assert {name: function["CodeUri"] for name, function in _of_type(resources, FUNCTION).items()} == expected
    assert {path.name for path in root.glob("functions/*") if path.is_dir()} == folders
