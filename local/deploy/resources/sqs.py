"""AWS::SQS::Queue and AWS::SQS::QueuePolicy."""

from typing import Any, Final

from pydantic import ConfigDict

from local.deploy.resources.resource_type import Created, Document, Properties, ResourceType, Stack, Text, arn, as_json


class RedrivePolicy(Properties):
    """The queue for messages that were received too often; AWS spells these two names in camel case."""

    model_config = ConfigDict(alias_generator=None)

    deadLetterTargetArn: str  # noqa: N815 - the name that CloudFormation and the SQS API share
    maxReceiveCount: int  # noqa: N815 - the name that CloudFormation and the SQS API share


class QueueProperties(Properties):
    """A standard queue; every property but the name is an attribute of the SQS API."""

    queue_name: str | None = None
    delay_seconds: int | None = None
    maximum_message_size: int | None = None
    message_retention_period: int | None = None
    receive_message_wait_time_seconds: int | None = None
    redrive_policy: RedrivePolicy | None = None
    sqs_managed_sse_enabled: Text | None = None
    visibility_timeout: int | None = None


class QueuePolicyProperties(Properties):
    """One policy for some queues."""

    queues: list[str]
    policy_document: Document


def _create_queue(logical_id: str, properties: QueueProperties, stack: Stack) -> Created:
    attributes = properties.as_request()
    name = attributes.pop("QueueName", None) or stack.physical_name(logical_id, 80)
    queue_url = stack.client("sqs").create_queue(
        QueueName=name, Attributes={key: _attribute(value) for key, value in attributes.items()}
    )
    return Created(
        queue_url["QueueUrl"], {"Arn": arn("sqs", name), "QueueName": name, "QueueUrl": queue_url["QueueUrl"]}
    )


def _attribute(value: Any) -> str:  # noqa: ANN401 - an attribute of a queue is a scalar or a small map
    return as_json(value) if isinstance(value, dict) else str(value)


def _create_queue_policy(logical_id: str, properties: QueuePolicyProperties, stack: Stack) -> Created:
    for queue_url in properties.queues:
        stack.client("sqs").set_queue_attributes(
            QueueUrl=queue_url, Attributes={"Policy": as_json(properties.policy_document)}
        )
    return Created(stack.physical_name(logical_id, 80))


RESOURCE_TYPES: Final = (
    ResourceType("AWS::SQS::Queue", QueueProperties, _create_queue, frozenset({"Arn", "QueueName", "QueueUrl"})),
    ResourceType("AWS::SQS::QueuePolicy", QueuePolicyProperties, _create_queue_policy),
)
