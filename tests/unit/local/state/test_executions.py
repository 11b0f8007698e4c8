"""Executions that ran when the cloud ended are begun again; those that had ended stay what they were."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.deploy.deployment import ACCOUNT_ID, REGION
from local.emulator import moto_backends
from local.emulator.moto_seams import MotoValue
from tests.unit.local.state.lives import MACHINE, Life, Lives

MACHINE_ARN = f"arn:aws:states:{REGION}:{ACCOUNT_ID}:stateMachine:{MACHINE}"
INPUT = '{"job_id": "job_1"}'


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """The executions that the engine started, which runs none of them here."""
    moto_backends.import_engine()
    from moto.stepfunctions.parser.api import ExecutionStatus
    from moto.stepfunctions.parser.backend.execution import Execution

    started: list[tuple[str, Any]] = []

    def start(execution: MotoValue) -> None:
        execution.exec_status = ExecutionStatus.RUNNING
        started.append((execution.name, execution.input_data))

    monkeypatch.setattr(Execution, "start", start)
    return started


@pytest.fixture
def lives(started: list[tuple[str, Any]], lives: Lives) -> Lives:  # noqa: ARG001 (before the seams are noted)
    return lives


def start(life: Life, name: str) -> dict[str, Any]:
    return dict(life.stepfunctions.start_execution(stateMachineArn=MACHINE_ARN, name=name, input=INPUT))


def execution_of(name: str) -> MotoValue:
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    [machine] = stepfunctions_parser_backends[ACCOUNT_ID][REGION].state_machines
    [execution] = [each for each in machine.executions if each.name == name]
    return execution


def described(life: Life, arn: str) -> dict[str, Any]:
    found = life.stepfunctions.describe_execution(executionArn=arn)
    return {name: found[name] for name in ("name", "input", "status", "startDate")}


@pytest.fixture
def life(lives: Lives) -> Life:
    life = lives.begin()
    life.ready()
    return life


def test_an_interrupted_execution_begins_again_under_its_name_with_its_input(
    life: Life, lives: Lives, started: list[tuple[str, Any]]
) -> None:
    answer = start(life, "job_1")
    before = described(life, answer["executionArn"])
    started.clear()
    life = lives.begin()
    assert started == [], "nothing begins before the functions can run"
    assert life.state.executions.begin_again() == 1
    assert started == [("job_1", {"job_id": "job_1"})]
    assert described(life, answer["executionArn"]) == before
    assert life.state.executions.begin_again() == 0


def test_an_execution_that_is_begun_again_is_still_kept(
    life: Life, lives: Lives, started: list[tuple[str, Any]]
) -> None:
    start(life, "job_1")
    for _ in range(2):
        started.clear()
        lives.begin().state.executions.begin_again()
        assert len(started) == 1


def test_an_ended_execution_stays_ended_and_its_name_stays_taken(
    life: Life, lives: Lives, started: list[tuple[str, Any]]
) -> None:
    from moto.stepfunctions.parser.api import ExecutionStatus

    arn = start(life, "job_1")["executionArn"]
    execution = execution_of("job_1")
    execution.exec_status, execution.output = ExecutionStatus.SUCCEEDED, {"status": "succeeded"}
    execution.stop_date = datetime(2099, 1, 2, tzinfo=UTC)
    life.state.executions.ended(execution)
    life = lives.begin()
    assert life.state.executions.begin_again() == 0
    found = life.stepfunctions.describe_execution(executionArn=arn)
    assert (found["status"], json.loads(found["output"])) == ("SUCCEEDED", {"status": "succeeded"})
    assert found["stopDate"] == datetime(2099, 1, 2, tzinfo=UTC)
    assert life.stepfunctions.get_execution_history(executionArn=arn)["events"] == []
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        start(life, "job_1")
    with pytest.raises(ClientError, match="InvalidToken"):
        life.stepfunctions.send_task_success(taskToken="of an earlier life", output="{}")
    assert [name for name, _ in started] == ["job_1"]


def test_an_execution_that_ended_months_ago_is_forgotten(life: Life, lives: Lives) -> None:
    from moto.stepfunctions.parser.api import ExecutionStatus

    start(life, "old")
    execution = execution_of("old")
    execution.exec_status, execution.stop_date = ExecutionStatus.FAILED, datetime(2020, 1, 1, tzinfo=UTC)
    life.state.executions.ended(execution)
    life = lives.begin()
    assert life.stepfunctions.list_executions(stateMachineArn=MACHINE_ARN)["executions"] == []
    assert list(life.state.store.read("execution", MACHINE)) == []
