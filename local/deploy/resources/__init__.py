"""The resource types that the one-machine cloud can create, by CloudFormation's names."""

from collections.abc import Mapping
from typing import Any, Final

from local.deploy.resources import (
    apigatewayv2,
    cloudwatch,
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
from local.deploy.resources.resource_type import ResourceType

RESOURCE_TYPES: Final[Mapping[str, ResourceType[Any]]] = {
    resource_type.name: resource_type
    for module in (
        apigatewayv2,
        cloudwatch,
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
    for resource_type in module.RESOURCE_TYPES
}
