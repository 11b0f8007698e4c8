"""Reads the CloudFormation outputs of a deployed stack."""

from collections.abc import Mapping

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from cli.denied import denied
from local.errors import LocalCloudError


class StackError(LocalCloudError):
    """A stack cannot be read, or lacks an output."""


def outputs_of(stack: str) -> dict[str, str]:
    """The outputs of a deployed stack by name, read with the caller's AWS credentials; raises `StackError`."""
    try:
        found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except (BotoCoreError, ClientError) as error:
        raise StackError(denied(error) or f"cannot read stack {stack}: {error}") from error
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def output_of(outputs: Mapping[str, str], name: str) -> str:
    """One of a stack's outputs; raises `StackError` where it has no such output."""
    value = outputs.get(name)
    if not value:
        raise StackError(f"the stack has no output {name}; deploy the current template")
    return value
