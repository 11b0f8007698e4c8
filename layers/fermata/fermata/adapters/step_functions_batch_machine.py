"""Starts batches in Step Functions; an execution's name belongs to one version of one file, so none runs twice."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import JsonValue

from fermata.adapters.dynamo_items import error_code
from fermata.errors import TransientError

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class StepFunctionsBatchMachine:
    """`BatchMachine` over one state machine."""

    def __init__(self, client: "SFNClient", machine_arn: str) -> None:
        self._client = client
        self._machine_arn = machine_arn

    def start(self, name: str, given: Mapping[str, JsonValue]) -> None:
        """Start a batch; a second start changes nothing, for as long as Step Functions knows the name (90 days)."""
        try:
            self._client.start_execution(stateMachineArn=self._machine_arn, name=name, input=json.dumps(given))
        except self._client.exceptions.ExecutionAlreadyExists:
            return
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"the batch could not be started: {error_code(error)}") from error
