"""AWS::Logs::LogGroup and AWS::CloudWatch::Alarm."""

from typing import Final, Self

from pydantic import model_validator

from local.deploy.resources.resource_type import Created, Properties, ResourceType, Stack, arn


class LogGroupProperties(Properties):
    """A log group and its retention in days."""

    log_group_name: str | None = None
    retention_in_days: int | None = None


class Dimension(Properties):
    """A name and a value that identify a metric."""

    name: str
    value: str


class MetricQuery(Properties):
    """A query over many metrics; an alarm watches each of its results."""

    id: str
    expression: str
    period: int
    return_data: bool | None = None


class AlarmProperties(Properties):
    """An alarm on one metric or on a query. The emulator returns it but never evaluates it."""

    alarm_name: str | None = None
    alarm_description: str | None = None
    metrics: list[MetricQuery] | None = None
    namespace: str | None = None
    metric_name: str | None = None
    dimensions: list[Dimension] | None = None
    statistic: str | None = None
    extended_statistic: str | None = None
    period: int | None = None
    evaluation_periods: int
    datapoints_to_alarm: int | None = None
    threshold: float
    comparison_operator: str
    treat_missing_data: str | None = None
    alarm_actions: list[str] | None = None

    @model_validator(mode="after")
    def _one_metric_or_a_query(self) -> Self:
        of_one = (self.namespace, self.metric_name, self.period)
        if None in of_one if self.metrics is None else any(of_one):
            raise ValueError("expected either Metrics, or Namespace, MetricName and Period")
        return self


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
