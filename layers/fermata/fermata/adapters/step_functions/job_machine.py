"""Starts jobs in Step Functions. The execution's name is the job's own, so no job runs twice."""

from typing import TYPE_CHECKING, Final

from fermata.adapters.aws_errors import aws_errors
from fermata.adapters.step_functions.executions import start_once
from fermata.domain.finish.overdue import Execution

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_MOVING: Final = frozenset({"RUNNING", "PENDING_REDRIVE"})


class StepFunctionsJobMachine:
    """`JobMachine` over one state machine; its ARN may name an alias, which then starts the executions."""

    def __init__(self, client: "SFNClient", machine_arn: str) -> None:
        self._client = client
        self._machine_arn = machine_arn
        # An execution has the same ARN whichever version or alias of its machine it was started by.
        self._executions = ":".join(machine_arn.replace(":stateMachine:", ":execution:").split(":")[:7])

    def start(self, job_id: str, name: str | None = None) -> None:
        """Start a job; a second start under its name changes nothing. Raises `TransientError`."""
        start_once(self._client, self._machine_arn, name or job_id, {"job_id": job_id}, "the job's state machine")

    def execution(self, name: str) -> Execution:
        """The state of an execution. Raises `TransientError`."""
        arn = f"{self._executions}:{name}"
        with aws_errors("the job's execution could not be looked up", "ExecutionDoesNotExist"):
            status = self._client.describe_execution(executionArn=arn)["status"]
            return Execution.RUNNING if status in _MOVING else Execution.ENDED
        return Execution.ABSENT
