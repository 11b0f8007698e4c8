"""The tree of errors: its drawing, its members, and its one mapping to HTTP say the same."""

import inspect
import json
from pathlib import Path

import pytest

from fermata import errors, limit_errors
from fermata.errors import FermataError, FieldError, InvalidRequestError

MACHINE = Path(__file__).parents[2] / "statemachine" / "music_job.asl.json"
CLASSES = {
    name: kind
    for name, kind in {**vars(errors), **vars(limit_errors)}.items()
    if inspect.isclass(kind) and issubclass(kind, FermataError) and kind is not FermataError
}


@pytest.mark.parametrize("name", CLASSES)
def test_every_error_is_drawn_under_its_parent(name: str) -> None:
    lines = (errors.__doc__ or "").splitlines()
    (line,) = [line for line in lines if f" {name} " in line]
    parent = CLASSES[name].__bases__[0].__name__
    depth = line.index(name)
    above = [
        text for text in lines[: lines.index(line)] if any(f"{kind}" in text for kind in ["FermataError", *CLASSES])
    ]
    owners = [text for text in above if len(text) - len(text.lstrip("│├└─ ")) < depth]
    assert parent in owners[-1]


@pytest.mark.parametrize("name", CLASSES)
def test_every_error_ends_in_error_and_has_a_sentence(name: str) -> None:
    assert name.endswith("Error")
    assert CLASSES[name].__doc__


def test_a_refusal_names_its_fields_in_its_message_too() -> None:
    error = InvalidRequestError([FieldError("/prompt", "is required"), FieldError("", "must be an object")])
    assert str(error) == "/prompt: is required; : must be an object"
    assert [field.pointer for field in error.fields] == ["/prompt", ""]


def test_the_state_machine_names_only_errors_that_exist() -> None:
    states = json.loads(MACHINE.read_text(encoding="utf-8"))["States"].values()
    named = {error for state in states for retry in state.get("Retry", []) for error in retry["ErrorEquals"]} - {
        "States.ALL",
        "Lambda.TooManyRequestsException",
    }
    assert named <= set(CLASSES)
    assert named
