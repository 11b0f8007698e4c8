"""AWS::Events::Rule, AWS::Events::EventBus and AWS::Events::EventBusPolicy."""

from typing import Final

from local.deploy.resources.resource_type import (
    Artifacts,
    Created,
    Document,
    Properties,
    ResourceType,
    Stack,
    UnsupportedValueError,
    arn,
    as_json,
)
from local.emulator.schedules import rate_s


class InputTransformer(Properties):
    """Builds a target's input out of parts of the event."""

    input_paths_map: dict[str, str] | None = None
    input_template: str


class DeadLetterConfig(Properties):
    """The queue for events that could not be delivered to a target."""

    arn: str


class RetryPolicy(Properties):
    """Limits of the retries of a delivery to a target."""

    maximum_event_age_in_seconds: int | None = None
    maximum_retry_attempts: int | None = None


class Target(Properties):
    """The receiver of a matching event and the form of its input."""

    arn: str
    id: str
    input: str | None = None
    input_path: str | None = None
    input_transformer: InputTransformer | None = None
    role_arn: str | None = None
    dead_letter_config: DeadLetterConfig | None = None
    retry_policy: RetryPolicy | None = None


class RuleProperties(Properties):
    """A rule by pattern or by schedule."""

    name: str | None = None
    event_bus_name: str | None = None
    description: str | None = None
    event_pattern: Document | None = None
    schedule_expression: str | None = None
    state: str | None = None
    targets: list[Target] | None = None


class EventBusProperties(Properties):
    """A bus beside the default one."""

    name: str
    description: str | None = None


class EventBusPolicyProperties(Properties):
    """One statement of a bus's policy."""

    event_bus_name: str
    statement_id: str
    statement: Document


def _create_rule(logical_id: str, properties: RuleProperties, stack: Stack) -> Created:
    request = properties.as_request()
    targets = request.pop("Targets", [])
    name = request.setdefault("Name", stack.physical_name(logical_id, 64))
    if "EventPattern" in request:
        request["EventPattern"] = as_json(request["EventPattern"])
    stack.client("events").put_rule(**request)
    if targets:
        bus = {"EventBusName": request["EventBusName"]} if "EventBusName" in request else {}
        stack.client("events").put_targets(Rule=name, Targets=targets, **bus)
    path = f"{properties.event_bus_name}/{name}" if properties.event_bus_name else name
    return Created(name, {"Arn": arn("events", f"rule/{path}")})


def _create_bus(_logical_id: str, properties: EventBusProperties, stack: Stack) -> Created:
    stack.client("events").create_event_bus(**properties.as_request())
    return Created(properties.name, {"Arn": arn("events", f"event-bus/{properties.name}"), "Name": properties.name})


def _create_bus_policy(logical_id: str, properties: EventBusPolicyProperties, stack: Stack) -> Created:
    statement = {"Sid": properties.statement_id, **properties.statement}
    policy = as_json({"Version": "2012-10-17", "Statement": [statement]})
    stack.client("events").put_permission(EventBusName=properties.event_bus_name, Policy=policy)
    return Created(stack.physical_name(logical_id, 80))


def _check_schedule(properties: RuleProperties, _artifacts: Artifacts) -> None:
    expression = properties.schedule_expression
    if expression is not None and rate_s(expression) is None:
        raise UnsupportedValueError("ScheduleExpression", f"expected rate(N minutes|hours|days), found {expression}")


RESOURCE_TYPES: Final = (
    ResourceType("AWS::Events::Rule", RuleProperties, _create_rule, frozenset({"Arn"}), _check_schedule),
    ResourceType("AWS::Events::EventBus", EventBusProperties, _create_bus, frozenset({"Arn", "Name"})),
    ResourceType("AWS::Events::EventBusPolicy", EventBusPolicyProperties, _create_bus_policy),
)
