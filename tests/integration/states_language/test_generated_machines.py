"""Machines that nobody wrote: both engines do with them what the States Language says, and so with the shipped ones."""

import copy
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.integration.cloud_process import PATIENCE_S, PROJECT_ROOT
from tests.integration.states_language.generated import Case, cases
from tests.integration.states_language.specification import EndlessError, Execution

HERE: Final = Path(__file__).parent
NODE: Final = PROJECT_ROOT / ".tools" / "node"
ENGINES: Final = {
    "moto": [sys.executable, "-m", "tests.integration.states_language.on_moto"],
    "npm": [str(NODE / "bin" / "node"), str(HERE / "on_npm.mjs"), str(NODE / "package.json")],
}
MACHINES: Final = 60
DEEDS: Final = ("succeeded", "failed", "timed out", "retried", "given up", "caught", "items abandoned", "came back")
Run = dict[str, Any]


def memory(name: str, *, silent: bool) -> dict[str, Any]:
    """What an execution begins with."""
    return {
        "job_id": name,
        "told": {"verdict": "a", "wait": 1},
        "items": [{"name": "x"}, {"name": "y"}],
        "then": "2020-01-01T00:00:00Z",
        "patience": 1 if silent else 300,
    }


def as_specified(definition: dict[str, Any], run: Run) -> Execution:
    """What the execution does and how it ends."""
    execution = Execution(copy.deepcopy(run["answers"]), run["silent"])
    execution.play(definition, run["input"])
    return execution


def shown(execution: Execution) -> dict[str, Any]:
    return {"states": execution.states, "calls": execution.calls, "waits": execution.waits, **execution.end}


@pytest.fixture(scope="module")
def machines() -> list[dict[str, Any]]:
    """The generated machines with their executions, always the same ones."""
    found: list[dict[str, Any]] = []

    @settings(
        max_examples=MACHINES,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases())
    def collect(case: Case) -> None:
        named = [
            {**run, "name": f"m{len(found)}-{number}", "input": memory(f"m{len(found)}-{number}", silent=run["silent"])}
            for number, run in enumerate(case.runs)
        ]
        runs = [run for run in named if ends(case.definition, run)]
        if runs:
            found.append({"definition": case.definition, "runs": runs})

    collect()
    return found


def ends(definition: dict[str, Any], run: Run) -> bool:
    try:
        as_specified(definition, run)
    except EndlessError:
        return False
    return True


def without_causes(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """What each engine words in its own way is left out."""
    if isinstance(value, dict):
        return {key: without_causes(inner) for key, inner in value.items() if key != "Cause"}
    return [without_causes(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_does_with_every_machine_what_the_language_says(machines: list[dict[str, Any]], engine: str) -> None:
    ended = subprocess.run(
        ENGINES[engine],
        cwd=PROJECT_ROOT,
        input=json.dumps(machines),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert ended.returncode == 0, ended.stderr
    found = [without_causes(each) for each in json.loads(ended.stdout)]
    asked = [(machine["definition"], run) for machine in machines for run in machine["runs"]]
    assert len(found) == len(asked)
    wrong = [
        {"definition": definition, "run": run, "expected": shown(expected), "found": each}
        for (definition, run), each in zip(asked, found, strict=True)
        if shown(expected := as_specified(definition, run)) != each and not is_known(engine, expected)
    ]
    shortest = min(wrong, key=lambda each: len(json.dumps(each["definition"])), default=None)
    assert not wrong, f"{len(wrong)} of {len(asked)} differ, such as {json.dumps(shortest, indent=1)}"


def is_known(engine: str, expected: Execution) -> bool:
    """Whether an engine is known to do something else: this one begins the next item of a map that has failed."""
    return engine == "npm" and expected.abandons_items


def deeds(definition: dict[str, Any], execution: Execution) -> set[str]:
    """Which of `DEEDS` happened in an execution."""
    did = {
        "succeeded": execution.end["status"] == "SUCCEEDED",
        "failed": execution.end["status"] == "FAILED",
        "timed out": "States.Timeout" in execution.errors,
        "retried": execution.retried,
        "given up": execution.given_up,
        "caught": execution.caught,
        "items abandoned": execution.abandons_items,
        "came back": any(execution.states.count(name) > 1 for name in definition["States"]),
    }
    return {name for name, happened in did.items() if happened}


def test_the_machines_do_all_that_the_shipped_ones_do(machines: list[dict[str, Any]]) -> None:
    definitions = [machine["definition"] for machine in machines]
    played = [(each["definition"], as_specified(each["definition"], run)) for each in machines for run in each["runs"]]
    kinds = Counter(state["Type"] for definition in definitions for state in definition["States"].values())
    assert set(kinds) == {"Task", "Choice", "Wait", "Map", "Succeed", "Fail"}
    found = Counter(each for definition, execution in played for each in deeds(definition, execution))
    assert all(found[each] >= 5 for each in DEEDS), found
