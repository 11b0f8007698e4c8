"""Two engines that know nothing of each other read the shipped state machine in the same way."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cloud_process import PATIENCE_S, PROJECT_ROOT
from tests.integration.use_cases.generation.engines.deliveries import DELIVERIES
from tests.integration.use_cases.generation.engines.paths import PATHS
from tests.integration.use_cases.generation.engines.paths import Path as Way
from tests.integration.use_cases.generation.engines.rescues import RESCUES

ENGINES = Path(__file__).with_name("engines")
NODE = PROJECT_ROOT / ".tools" / "node"
COMMANDS = {
    "moto": [sys.executable, "-m", "tests.integration.use_cases.generation.engines.run_on_moto"],
    "npm": [str(NODE / "bin" / "node"), str(ENGINES / "run_on_npm.mjs"), str(NODE / "package.json")],
}
Runs = dict[str, dict[str, Any]]


def definition(machine: str = "music_job") -> dict[str, Any]:
    """A shipped machine in the partition `aws`, with an ARN for each of its functions."""
    text = (PROJECT_ROOT / "statemachine" / f"{machine}.asl.json").read_text("utf-8").replace("${Partition}", "aws")
    return dict(json.loads(re.sub(r"\$\{(\w+)\}", r"arn:aws:lambda:eu-west-1:123456789012:function:\1", text)))


@pytest.fixture(scope="module")
def runs() -> dict[str, Runs]:
    """What happened on each engine, per path of every shipped machine."""
    deliveries = runs_of("webhook_delivery", DELIVERIES, {"replay": 0, "delivery": {"number": 1}})
    jobs, rescues = runs_of("music_job", PATHS), runs_of("rescue", RESCUES)
    return {engine: {**jobs[engine], **deliveries[engine], **rescues[engine]} for engine in COMMANDS}


def runs_of(machine: str, paths: Sequence[Way], more: dict[str, Any] | None = None) -> dict[str, Runs]:
    """What happens to executions of a machine on each engine; `more` is what they begin with besides a job's id."""
    asked = {"definition": definition(machine), "paths": {path.name: path.as_json() for path in paths}}
    told = json.dumps({**asked, "input": more or {}})
    found: dict[str, Runs] = {}
    for engine, command in COMMANDS.items():
        ended = subprocess.run(
            command, cwd=PROJECT_ROOT, input=told, capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
        assert ended.returncode == 0, ended.stderr
        found[engine] = json.loads(ended.stdout)
    return found


def without_words(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """A payload or an output without what each engine words in its own way: causes and tokens."""
    if isinstance(value, dict):
        return {key: without_words(inner) for key, inner in value.items() if key not in ("Cause", "task_token")}
    return [without_words(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", [*PATHS, *DELIVERIES, *RESCUES], ids=lambda path: path.name)
@pytest.mark.parametrize("engine", COMMANDS)
def test_a_path_goes_through_its_states_and_uses_up_its_answers(runs: dict[str, Runs], engine: str, path: Way) -> None:
    run = runs[engine][path.name]
    assert run["states"] == list(path.states)
    assert ([call["state"] for call in run["calls"]], run["left"]) == ([state for state, _ in path.answers], 0)
    assert run["status"] == ("FAILED" if path.states[-1] in ("Failed", "NotDelivered", "NotRescued") else "SUCCEEDED")


@pytest.mark.parametrize("path", [*PATHS, *DELIVERIES, *RESCUES], ids=lambda path: path.name)
def test_both_engines_hand_over_the_same_and_end_with_the_same(runs: dict[str, Runs], path: Way) -> None:
    moto, npm = (without_words(runs[engine][path.name]) for engine in COMMANDS)
    assert npm["calls"] == moto["calls"]
    assert npm["output"] == moto["output"]


def orders(path: Way) -> Iterator[dict[str, Any]]:
    """What each function of a path is to receive: the job, and what the last verdict said of its attempt."""
    verdict: dict[str, Any] = {}
    for state, answer in path.answers:
        attempt = {"job_id": path.name, "attempt": verdict.get("attempt")}
        match state:
            case "StartGeneration" | "ResumeGeneration":
                yield {"job_id": path.name, "may_post": state == "StartGeneration"}
            case "PollGeneration":
                yield {**attempt, "not_yet_at": verdict["not_before"]}
            case "StoreAudio" | "ResumeStorage":
                yield {**attempt, "may_store": state == "StoreAudio"}
            case "SettleJob":
                yield {}
            case _:
                yield attempt
        verdict = {**verdict, **answer.get("payload", {})}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_a_function_receives_its_job_and_the_attempt_that_the_last_verdict_named(
    runs: dict[str, Runs], path: Way
) -> None:
    for call, order in zip(runs["npm"][path.name]["calls"], orders(path), strict=True):
        assert call["payload"]["job_id"] == path.name
        if order:
            assert without_words(call["payload"]) == order


@pytest.mark.parametrize("path", DELIVERIES, ids=lambda path: path.name)
def test_a_delivery_receives_the_try_that_the_last_verdict_named(runs: dict[str, Runs], path: Way) -> None:
    number = 1
    for call, (_, answer) in zip(runs["npm"][path.name]["calls"], path.answers, strict=True):
        assert call["payload"] == {"job_id": path.name, "replay": 0, "number": number}
        number = answer.get("payload", {}).get("number", number)


def test_every_state_is_passed_by_some_path() -> None:
    for machine, paths in (("music_job", PATHS), ("webhook_delivery", DELIVERIES), ("rescue", RESCUES)):
        assert {state for path in paths for state in path.states} == set(definition(machine)["States"])
