"""AWS::Logs::LogGroup and AWS::CloudWatch::Alarm."""

from typing import Final

from local.deploy.resources.resource_type import Created, Properties, ResourceType, Stack, arn


class LogGroupProperties(Properties):
    """A log group and how many days it keeps its lines."""

    log_group_name: str | None = None
    retention_in_days: int | None = None


class Dimension(Properties):
    """What a metric is about."""

    name: str
    value: str


class AlarmProperties(Properties):
    """An alarm on one metric; it can be read back, but nothing on one machine evaluates it."""

    alarm_name: str | None = None
    alarm_description: str | None = None
    namespace: str
    metric_name: str
    dimensions: list[Dimension] | None = None
    statistic: str | None = None
    extended_statistic: str | None = None
    period: int
    evaluation_periods: int
    datapoints_to_alarm: int | None = None
    threshold: float
    comparison_operator: str
    treat_missing_data: str | None = None
    alarm_actions: list[str] | None = None


def _create_log_group(logical_id: str, properties: LogGroupProperties, stack: Stack) -> Created:
    name = properties.log_group_name or stack.physical_name(logical_id, 512)
    stack.client("logs").create_log_group(logGroupName=name)
    if properties.retention_in_days:
        stack.client("logs").put_retention_policy(logGroupName=name, retentionInDays=properties.retention_in_days)
    return Created(name, {"Arn": arn("logs", f"log-group:{name}:*")})


def _create_alarm(logical_id: str, properties: AlarmProperties, stack: Stack) -> Created:
    request = properties.as_request()
    name = request.setdefault("AlarmName", stack.physical_name(logical_id, 255))
    stack.client("cloudwatch").put_metric_alarm(**request)
    return Created(name, {"Arn": arn("cloudwatch", f"alarm:{name}")})


RESOURCE_TYPES: Final = (
    ResourceType("AWS::Logs::LogGroup", LogGroupProperties, _create_log_group, frozenset({"Arn"})),
    ResourceType("AWS::CloudWatch::Alarm", AlarmProperties, _create_alarm, frozenset({"Arn"})),
)
