"""Ends waits for a task token in Step Functions."""

from typing import TYPE_CHECKING

from fermata.adapters.aws_errors import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class StepFunctionsWaits:
    """`MachineWaits` over every state machine of the account; a task token names its own."""

    def __init__(self, client: "SFNClient") -> None:
        self._client = client

    def end(self, task_token: str) -> bool:
        """End the wait; False where it is over already. Raises `TransientError`."""
        over = self._client.exceptions
        with aws_errors("the waiting state machine could not be woken"):
            try:
                self._client.send_task_success(taskToken=task_token, output="{}")
            except (over.TaskTimedOut, over.TaskDoesNotExist, over.InvalidToken):
                return False
        return True
