"""Starts batches in Step Functions. An execution's name stands for one version of one file, so no file runs twice."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import JsonValue

from fermata.adapters.step_functions.executions import start_once

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class StepFunctionsBatchMachine:
    """`BatchMachine` over one state machine."""

    def __init__(self, client: "SFNClient", machine_arn: str) -> None:
        self._client = client
        self._machine_arn = machine_arn

    def start(self, name: str, given: Mapping[str, JsonValue]) -> None:
        """Start a batch; a second start within 90 days changes nothing. Raises `TransientError`."""
        start_once(self._client, self._machine_arn, name, given, "the batch")
