"""The shipped files that have to agree with each other, read once."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.deploy.transform import package, read_template, to_cloudformation
from tests.support.rights import Statement, rights_of

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """The SAM template with CloudFormation's short forms written out."""
    return read_template(ROOT / "template.yaml")


@pytest.fixture(scope="session")
def resources(template: dict[str, Any]) -> dict[str, Any]:
    written: dict[str, Any] = template["Resources"]
    return written


@pytest.fixture(scope="session")
def transformed() -> dict[str, Any]:
    """What AWS makes of the template with every parameter at its default."""
    template = read_template(ROOT / "template.yaml")  # a copy of its own: the translator writes into it
    defaults = {name: str(parameter.get("Default", "")) for name, parameter in template["Parameters"].items()}
    return to_cloudformation(package(template, ROOT, built=False).template, defaults)


@pytest.fixture(scope="session")
def rights(transformed: dict[str, Any]) -> dict[str, list[Statement]]:
    """Every statement of each function and state machine, whichever policy gives it, by logical id."""
    return rights_of(transformed["Resources"])


@pytest.fixture(scope="session")
def machines(root: Path) -> dict[str, dict[str, Any]]:
    """Every state machine definition by the path that the template names it by."""
    return {
        str(path.relative_to(root)): json.loads(path.read_text("utf-8")) for path in root.glob("statemachine/*.json")
    }
