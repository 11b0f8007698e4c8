"""The services whose requests name the resource: queues, topics, parameters, secrets, machines, buses and functions.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from local.iam.calls.facts import Facts, arn_of
from local.iam.decision import Need

_QUEUE_ACTIONS: Final = {
    "SendMessage": "SendMessage",
    "SendMessageBatch": "SendMessage",
    "ReceiveMessage": "ReceiveMessage",
    "DeleteMessage": "DeleteMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibility": "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "GetQueueAttributes": "GetQueueAttributes",
    "GetQueueUrl": "GetQueueUrl",
}
_BY_ARN: Final = {
    "states:StartExecution": "stateMachineArn",
    "states:DescribeStateMachine": "stateMachineArn",
    "states:ListExecutions": "stateMachineArn",
    "states:DescribeExecution": "executionArn",
    "states:GetExecutionHistory": "executionArn",
    "states:StopExecution": "executionArn",
    "states:RedriveExecution": "executionArn",
    "sns:Publish": "TopicArn",
}
_BY_TOKEN: Final = frozenset({"states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat"})
_OF_SECRETS: Final = frozenset(
    {"secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret", "secretsmanager:PutSecretValue"}
)
_OF_PARAMETERS: Final = frozenset({"ssm:GetParameter", "ssm:PutParameter", "ssm:DeleteParameter"})
_PASSING: Final = {"states:CreateStateMachine": "states.amazonaws.com", "events:PutTargets": "events.amazonaws.com"}
_NEEDING_NOTHING: Final = frozenset({"sts:GetCallerIdentity"})
_DEFAULT_BUS: Final = "default"


def needs_of(action: str, request: Mapping[str, Any], facts: Facts) -> tuple[Need, ...] | None:
    """Return the rights that a request needs, None for an action that is not known here."""
    if action in _NEEDING_NOTHING:
        return ()
    if action in _BY_ARN:
        return (Need(action, str(request.get(_BY_ARN[action]))),)
    if action in _BY_TOKEN:
        # With a token that nobody waits for, the call ends with AWS's own error, whoever makes it.
        machine = facts.machine_of(request.get("taskToken", ""))
        return (Need(action, machine),) if machine else ()
    if action in _OF_SECRETS:
        secret_id = request.get("SecretId", "")
        return (Need(action, facts.secret_arn(secret_id) or arn_of("secretsmanager", f"secret:{secret_id}")),)
    if action in _OF_PARAMETERS:
        return (Need(action, _of_parameter(request.get("Name", ""))),)
    if action == "ssm:GetParameters":
        return tuple(Need(action, _of_parameter(name)) for name in request.get("Names", ()))
    if action == "events:PutEvents":
        return tuple(_of_events(request))
    if action in _PASSING:
        return tuple(_of_passed_roles(action, request))
    return _of_queue(action, request)


def invocation(function: str, qualifier: str | None) -> Need:
    """Return the right to call a function by name, partial ARN or ARN. With a version or an alias, its ARN has it."""
    named = function.rsplit("function:", maxsplit=1)[-1]
    name, _, written = named.partition(":")
    said = written or qualifier or ""
    return Need("lambda:InvokeFunction", arn_of("lambda", f"function:{name}" + (f":{said}" if said else "")))


def _of_queue(action: str, request: Mapping[str, Any]) -> tuple[Need, ...] | None:
    service, _, operation = action.partition(":")
    if service != "sqs" or operation not in _QUEUE_ACTIONS:
        return None
    name = request.get("QueueName") or request.get("QueueUrl", "").rsplit("/", 1)[-1]
    return (Need(f"sqs:{_QUEUE_ACTIONS[operation]}", arn_of("sqs", name)),)


def _of_parameter(name: str) -> str:
    return arn_of("ssm", name if name.startswith("arn:") else f"parameter/{name.removeprefix('/')}")


def _of_events(request: Mapping[str, Any]) -> Iterator[Need]:
    """One right for each bus, with the sources and types of all its events."""
    by_bus: dict[str, list[Mapping[str, Any]]] = {}
    for entry in request.get("Entries", ()):
        by_bus.setdefault(entry.get("EventBusName") or _DEFAULT_BUS, []).append(entry)
    for bus, entries in by_bus.items():
        context = {
            "events:source": tuple(dict.fromkeys(str(each.get("Source")) for each in entries)),
            "events:detail-type": tuple(dict.fromkeys(str(each.get("DetailType")) for each in entries)),
        }
        yield Need("events:PutEvents", bus if bus.startswith("arn:") else arn_of("events", f"event-bus/{bus}"), context)


def _of_passed_roles(action: str, request: Mapping[str, Any]) -> Iterator[Need]:
    """What hands a role to a service needs the right to pass that role."""
    service, _, _ = action.partition(":")
    roles = [request.get("roleArn"), *(target.get("RoleArn") for target in request.get("Targets", ()))]
    name = f"stateMachine:{request['name']}" if "name" in request else f"rule/{request.get('Rule')}"
    yield Need(action, arn_of(service, name))
    yield from (
        Need("iam:PassRole", role, {"iam:passedtoservice": (_PASSING[action],)}) for role in roles if role is not None
    )
