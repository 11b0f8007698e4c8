"""Starts rescues in Step Functions. An execution's name is the job's id and a run number, so no run starts twice."""

from typing import TYPE_CHECKING

from fermata.adapters.step_functions.executions import start_once

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class StepFunctionsRescueMachine:
    """`RescueMachine` over one state machine."""

    def __init__(self, client: "SFNClient", machine_arn: str) -> None:
        self._client = client
        self._machine_arn = machine_arn

    def start(self, job_id: str, number: int) -> None:
        """Start a run; a second start under the same number changes nothing. Raises `TransientError`."""
        start_once(self._client, self._machine_arn, f"{job_id}-{number}", {"job_id": job_id}, "the rescue")
