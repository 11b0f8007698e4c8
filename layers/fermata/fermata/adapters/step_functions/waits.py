"""Resumes state machines that wait for a task token."""

from typing import TYPE_CHECKING, Final

from fermata.adapters.aws_errors import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_OVER: Final = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")


class StepFunctionsWaits:
    """`MachineWaits` over every state machine of the account; the task token identifies the execution."""

    def __init__(self, client: "SFNClient") -> None:
        self._client = client

    def end(self, task_token: str) -> bool:
        """End the wait; False where it is already over. Raises `TransientError`."""
        with aws_errors("the waiting state machine could not be woken", *_OVER):
            self._client.send_task_success(taskToken=task_token, output="{}")
            return True
        return False
