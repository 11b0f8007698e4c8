"""Starts deliveries of webhooks in Step Functions; an execution's name is the delivery's, so none begins twice."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from fermata.errors import TransientError

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class StepFunctionsWebhookMachine:
    """`WebhookMachine` over one state machine."""

    def __init__(self, client: "SFNClient", machine_arn: str) -> None:
        self._client = client
        self._machine_arn = machine_arn

    def start(self, name: str, job_id: str, replay: int) -> None:
        """Start a delivery; a second start under the same name changes nothing. Raises `TransientError`."""
        begin = {"job_id": job_id, "replay": replay, "delivery": {"number": 1}}
        try:
            self._client.start_execution(stateMachineArn=self._machine_arn, name=name, input=json.dumps(begin))
        except self._client.exceptions.ExecutionAlreadyExists:
            return
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"the webhook's state machine could not be started: {type(error).__name__}") from error
