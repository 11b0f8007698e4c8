"""A function that is killed at a call of its own never gets the answer to it."""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from local.deploy.deployment import FunctionSpec
from local.logs import JsonLines
from local.runtime.lambda_answers import Answer
from local.runtime.lambda_environment import Call, LambdaEnvironment
from tests.crash.cuts import When
from tests.crash.gate import Gate, Killed
from tests.crash.killable_cloud import NOBODY, KillableEnvironment, Run

POST = "POST /v1/music_generation"


class NoPool:
    """Takes what an environment reports."""

    def became_idle(self, environment: LambdaEnvironment) -> None: ...
    def answered(self, environment: LambdaEnvironment, call: Call, answer: Answer) -> None: ...
    def ended(self, environment: LambdaEnvironment, call: Call | None, answer: Answer) -> None: ...
    def gave_back(self, environment: LambdaEnvironment, call: Call) -> None: ...


class End(Future[int]):
    """The end of a process, which takes note of who waits for it."""

    def __init__(self, waited: Callable[[], None]) -> None:
        super().__init__()
        self._waited = waited

    def exception(self, timeout: float | None = None) -> BaseException | None:
        assert timeout is None
        self._waited()
        return None


class Process:
    """A process that outlives the order to kill it."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.status = End(lambda: self.steps.append("waited for its end"))

    def kill(self) -> None:
        self.steps.append("killed")


def environment_of(process: Process, folder: Path, *, dies: bool) -> KillableEnvironment:
    spec = FunctionSpec("StartGenerationFunction", "start", "arn", "app.handler", folder, (), 60, 256, {})
    environment = KillableEnvironment(spec, "http://127.0.0.1:1", {}, JsonLines(folder / "log.jsonl"), NoPool())
    vars(environment)["_child"] = process
    environment.run = Run(NOBODY, "StartGeneration", 1, Gate(lambda *_: dies))
    return environment


def test_a_killed_process_is_gone_before_its_call_is_answered(tmp_path: Path) -> None:
    process = Process()
    environment = environment_of(process, tmp_path, dies=True)

    with pytest.raises(Killed):
        environment.passes(POST, When.AFTER)

    assert process.steps == ["killed", "waited for its end"]


def test_a_process_that_lives_on_is_not_waited_for(tmp_path: Path) -> None:
    process = Process()
    environment = environment_of(process, tmp_path, dies=False)

    environment.passes(POST, When.AFTER)

    assert process.steps == []
