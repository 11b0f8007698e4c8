"""The resource types that the one-machine cloud can create, by CloudFormation's names."""

from collections.abc import Mapping
from typing import Any, Final

from local.deploy.resources import (
    apigatewayv2,
    cloudwatch,
    custom_resources,
    dynamodb,
    events,
    iam,
    lambda_functions,
    s3,
    secretsmanager,
    sqs,
    ssm,
    stepfunctions,
)
from local.deploy.resources.custom_resources import CUSTOM_PREFIX, custom_resource_type
from local.deploy.resources.resource_type import ResourceType

RESOURCE_TYPES: Final[Mapping[str, ResourceType[Any]]] = {
    known.name: known
    for module in (
        apigatewayv2,
        cloudwatch,
        custom_resources,
        dynamodb,
        events,
        iam,
        lambda_functions,
        s3,
        secretsmanager,
        sqs,
        ssm,
        stepfunctions,
    )
    for known in module.RESOURCE_TYPES
}


def resource_type(name: str) -> ResourceType[Any] | None:
    """Return the type that a template calls by this name, None where it is not supported."""
    return custom_resource_type(name) if name.startswith(CUSTOM_PREFIX) else RESOURCE_TYPES.get(name)
