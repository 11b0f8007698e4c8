"""A wait is ended once; one that is over already is no error."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from fermata.adapters.step_functions.waits import StepFunctionsWaits
from fermata.errors import TransientError
from tests.support.cloud import ONE_TRY, AnswersInstead, aws_error, session

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


@pytest.fixture
def stepfunctions() -> Iterator["SFNClient"]:
    with mock_aws():
        yield session().client("stepfunctions", config=ONE_TRY)


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_wait_that_is_over_is_reported(stepfunctions: "SFNClient", code: str) -> None:
    AnswersInstead(stepfunctions, "SendTaskSuccess", aws_error(code))
    assert StepFunctionsWaits(stepfunctions).end("token") is False


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException", "KmsThrottlingException"])
def test_other_trouble_is_transient_and_names_no_token(stepfunctions: "SFNClient", code: str) -> None:
    AnswersInstead(stepfunctions, "SendTaskSuccess", aws_error(code, "canary"))
    with pytest.raises(TransientError) as caught:
        StepFunctionsWaits(stepfunctions).end("canary-token")
    assert "canary" not in str(caught.value)
