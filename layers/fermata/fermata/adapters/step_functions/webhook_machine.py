"""Starts webhook deliveries in Step Functions. An execution has its delivery's name, so no delivery starts twice."""

from typing import TYPE_CHECKING

from pydantic import JsonValue

from fermata.adapters.step_functions.executions import start_once

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class StepFunctionsWebhookMachine:
    """`WebhookMachine` over one state machine."""

    def __init__(self, client: "SFNClient", machine_arn: str) -> None:
        self._client = client
        self._machine_arn = machine_arn

    def start(self, name: str, job_id: str, replay: int) -> None:
        """Start a delivery; a second start under the same name changes nothing. Raises `TransientError`."""
        begin: dict[str, JsonValue] = {"job_id": job_id, "replay": replay, "delivery": {"number": 1}}
        start_once(self._client, self._machine_arn, name, begin, "the webhook's state machine")
