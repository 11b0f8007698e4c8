"""AWS::Events::Rule on the default bus."""

from typing import Final

from local.resources.resource_type import (
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
from local.schedules import rate_s


class InputTransformer(Properties):
    """Builds a target's input out of parts of the event."""

    input_paths_map: dict[str, str] | None = None
    input_template: str


class DeadLetterConfig(Properties):
    """The queue for events that a target never took."""

    arn: str


class RetryPolicy(Properties):
    """How long delivery to a target is tried."""

    maximum_event_age_in_seconds: int | None = None
    maximum_retry_attempts: int | None = None


class Target(Properties):
    """Where a matching event goes, and in which form."""

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
    description: str | None = None
    event_pattern: Document | None = None
    schedule_expression: str | None = None
    state: str | None = None
    targets: list[Target] | None = None


def _create_rule(logical_id: str, properties: RuleProperties, stack: Stack) -> Created:
    request = properties.as_request()
    targets = request.pop("Targets", [])
    name = request.setdefault("Name", stack.physical_name(logical_id, 64))
    if "EventPattern" in request:
        request["EventPattern"] = as_json(request["EventPattern"])
    stack.client("events").put_rule(**request)
    if targets:
        stack.client("events").put_targets(Rule=name, Targets=targets)
    return Created(name, {"Arn": arn("events", f"rule/{name}")})


def _check_schedule(properties: RuleProperties, _artifacts: Artifacts) -> None:
    expression = properties.schedule_expression
    if expression is not None and rate_s(expression) is None:
        raise UnsupportedValueError("ScheduleExpression", f"expected rate(N minutes|hours|days), found {expression}")


RESOURCE_TYPES: Final = (
    ResourceType("AWS::Events::Rule", RuleProperties, _create_rule, frozenset({"Arn"}), _check_schedule),
)
