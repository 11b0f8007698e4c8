"""Starts executions of state machines, once per name."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import JsonValue

from fermata.adapters.aws_errors import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


def start_once(client: "SFNClient", machine_arn: str, name: str, given: Mapping[str, JsonValue], what: str) -> None:
    """Start an execution; a second start under its name changes nothing for 90 days, as long as Step Functions keeps
    the name. `what` names the execution in error messages. Raises `TransientError`.
    """
    with aws_errors(f"{what} could not be started", "ExecutionAlreadyExists"):
        client.start_execution(stateMachineArn=machine_arn, name=name, input=json.dumps(given))
