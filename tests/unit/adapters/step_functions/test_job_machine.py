"""An execution is named after its job, so a job runs once."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto import mock_aws

from fermata.adapters.step_functions.job_machine import StepFunctionsJobMachine
from fermata.domain.finish.overdue import Execution
from fermata.errors import TransientError
from tests.songs import JOB_ID
from tests.support.cloud import ONE_TRY, AnswersInstead, aws_error, session

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

DEFINITION = '{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}'


@pytest.fixture
def stepfunctions() -> Iterator["SFNClient"]:
    with mock_aws():
        yield session().client("stepfunctions", config=ONE_TRY)


@pytest.fixture
def machine_arn(stepfunctions: "SFNClient") -> str:
    role = "arn:aws:iam::123456789012:role/machine"
    return stepfunctions.create_state_machine(name="jobs", definition=DEFINITION, roleArn=role)["stateMachineArn"]


def test_a_job_is_started_under_its_own_name_with_nothing_but_its_id(
    stepfunctions: "SFNClient", machine_arn: str
) -> None:
    StepFunctionsJobMachine(stepfunctions, machine_arn).start(JOB_ID)
    (execution,) = stepfunctions.list_executions(stateMachineArn=machine_arn)["executions"]
    found = stepfunctions.describe_execution(executionArn=execution["executionArn"])
    assert (found["name"], json.loads(found["input"])) == (JOB_ID, {"job_id": JOB_ID})


@pytest.mark.parametrize("alias", ["", ":live"])
def test_an_execution_is_found_whichever_alias_started_it(
    stepfunctions: "SFNClient", machine_arn: str, alias: str
) -> None:
    StepFunctionsJobMachine(stepfunctions, machine_arn).start(JOB_ID)
    assert StepFunctionsJobMachine(stepfunctions, f"{machine_arn}{alias}").execution(JOB_ID) is not Execution.ABSENT


def test_a_second_start_changes_nothing(stepfunctions: "SFNClient", machine_arn: str) -> None:
    machine = StepFunctionsJobMachine(stepfunctions, machine_arn)
    machine.start(JOB_ID)
    machine.start(JOB_ID)
    assert len(stepfunctions.list_executions(stateMachineArn=machine_arn)["executions"]) == 1


def test_a_start_after_the_execution_ended_changes_nothing(stepfunctions: "SFNClient", machine_arn: str) -> None:
    AnswersInstead(stepfunctions, "StartExecution", aws_error("ExecutionAlreadyExists"))
    StepFunctionsJobMachine(stepfunctions, machine_arn).start(JOB_ID)


@pytest.mark.parametrize("code", ["StateMachineDoesNotExist", "ExecutionLimitExceeded", "ThrottlingException"])
def test_other_trouble_is_transient(stepfunctions: "SFNClient", machine_arn: str, code: str) -> None:
    AnswersInstead(stepfunctions, "StartExecution", aws_error(code, "canary"))
    with pytest.raises(TransientError) as caught:
        StepFunctionsJobMachine(stepfunctions, machine_arn).start(JOB_ID)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "execution"),
    [
        ("RUNNING", Execution.RUNNING),
        ("PENDING_REDRIVE", Execution.RUNNING),
        ("SUCCEEDED", Execution.ENDED),
        ("FAILED", Execution.ENDED),
        ("TIMED_OUT", Execution.ENDED),
        ("ABORTED", Execution.ENDED),
    ],
)
def test_an_execution_runs_or_has_ended(
    stepfunctions: "SFNClient", machine_arn: str, status: str, execution: Execution
) -> None:
    AnswersInstead(
        stepfunctions,
        "DescribeExecution",
        lambda: (AWSResponse("https://aws", 200, HTTPHeaders(), None), {"status": status}),
    )
    assert StepFunctionsJobMachine(stepfunctions, machine_arn).execution(JOB_ID) is execution


def test_an_execution_is_looked_up_under_its_jobs_name(stepfunctions: "SFNClient", machine_arn: str) -> None:
    machine = StepFunctionsJobMachine(stepfunctions, machine_arn)
    assert machine.execution(JOB_ID) is Execution.ABSENT
    machine.start(JOB_ID)
    assert machine.execution(JOB_ID) is not Execution.ABSENT


def test_a_lookup_that_is_refused_is_not_an_absent_execution(stepfunctions: "SFNClient", machine_arn: str) -> None:
    AnswersInstead(stepfunctions, "DescribeExecution", aws_error("ThrottlingException", "canary"))
    with pytest.raises(TransientError) as caught:
        StepFunctionsJobMachine(stepfunctions, machine_arn).execution(JOB_ID)
    assert "canary" not in str(caught.value)
