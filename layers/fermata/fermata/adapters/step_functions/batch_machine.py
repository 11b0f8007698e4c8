"""Starts batches in Step Functions; an execution's name belongs to one version of one file, so none runs twice."""

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
        """Start a batch; a second start changes nothing, for as long as Step Functions knows the name (90 days)."""
        start_once(self._client, self._machine_arn, name, given, "the batch")
