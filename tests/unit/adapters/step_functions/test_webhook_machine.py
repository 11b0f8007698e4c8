"""A delivery is an execution that is named after its event, so it begins once."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from fermata.adapters.step_functions.webhook_machine import StepFunctionsWebhookMachine
from fermata.domain.webhooks.message import delivery_name
from fermata.errors import TransientError
from tests.songs import JOB_ID, delivered_job
from tests.support.cloud import ONE_TRY, AnswersInstead, aws_error, session

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

DEFINITION = '{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}'
NAME = delivery_name(delivered_job(), 0)


@pytest.fixture
def stepfunctions() -> Iterator["SFNClient"]:
    with mock_aws():
        yield session().client("stepfunctions", config=ONE_TRY)


@pytest.fixture
def machine_arn(stepfunctions: "SFNClient") -> str:
    role = "arn:aws:iam::123456789012:role/machine"
    return stepfunctions.create_state_machine(name="hooks", definition=DEFINITION, roleArn=role)["stateMachineArn"]


def test_a_delivery_begins_with_its_first_try_and_nothing_but_ids(stepfunctions: "SFNClient", machine_arn: str) -> None:
    machine = StepFunctionsWebhookMachine(stepfunctions, machine_arn)
    for _ in range(2):
        machine.start(NAME, JOB_ID, 0)
    (execution,) = stepfunctions.list_executions(stateMachineArn=machine_arn)["executions"]
    found = stepfunctions.describe_execution(executionArn=execution["executionArn"])
    assert found["name"] == f"{JOB_ID}.succeeded"
    assert json.loads(found["input"]) == {"job_id": JOB_ID, "replay": 0, "delivery": {"number": 1}}


def test_a_delivery_that_has_ended_does_not_begin_again(stepfunctions: "SFNClient", machine_arn: str) -> None:
    AnswersInstead(stepfunctions, "StartExecution", aws_error("ExecutionAlreadyExists"))
    StepFunctionsWebhookMachine(stepfunctions, machine_arn).start(NAME, JOB_ID, 0)


@pytest.mark.parametrize("code", ["StateMachineDoesNotExist", "ExecutionLimitExceeded", "ThrottlingException"])
def test_other_trouble_is_transient(stepfunctions: "SFNClient", machine_arn: str, code: str) -> None:
    AnswersInstead(stepfunctions, "StartExecution", aws_error(code, "canary"))
    with pytest.raises(TransientError) as caught:
        StepFunctionsWebhookMachine(stepfunctions, machine_arn).start(NAME, JOB_ID, 0)
    assert "canary" not in str(caught.value)
