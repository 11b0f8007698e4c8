"""What shows an operator how a stack is doing: log groups, dashboards, alarms and the topics that they are sent to."""

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


class Metric(Properties):
    """One metric, known by all of its dimensions."""

    namespace: str
    metric_name: str
    dimensions: list[Dimension]


class MetricStat(Properties):
    """A statistic of one metric over each period in seconds."""

    metric: Metric
    period: int
    stat: str


class MetricQuery(Properties):
    """A query over many metrics, each of whose results an alarm watches; or a metric, or a sum over such metrics."""

    id: str
    expression: str | None = None
    period: int | None = None
    metric_stat: MetricStat | None = None
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
    evaluate_low_sample_count_percentile: str | None = None
    alarm_actions: list[str] | None = None

    @model_validator(mode="after")
    def _one_metric_or_a_query(self) -> Self:
        of_one = (self.namespace, self.metric_name, self.period)
        if None in of_one if self.metrics is None else any(of_one):
            raise ValueError("expected either Metrics, or Namespace, MetricName and Period")
        return self


class DashboardProperties(Properties):
    """A dashboard as JSON. The emulator returns it but draws nothing."""

    dashboard_name: str | None = None
    dashboard_body: str


class Subscription(Properties):
    """Who gets what is sent to a topic."""

    protocol: str
    endpoint: str


class TopicProperties(Properties):
    """A topic and those who get what is sent to it."""

    topic_name: str | None = None
    subscription: list[Subscription] | None = None


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


def _create_dashboard(logical_id: str, properties: DashboardProperties, stack: Stack) -> Created:
    name = properties.dashboard_name or stack.physical_name(logical_id, 255)
    stack.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=properties.dashboard_body)
    return Created(name)


def _create_topic(logical_id: str, properties: TopicProperties, stack: Stack) -> Created:
    name = properties.topic_name or stack.physical_name(logical_id, 256)
    topic_arn = stack.client("sns").create_topic(Name=name)["TopicArn"]
    for each in properties.subscription or []:
        stack.client("sns").subscribe(TopicArn=topic_arn, Protocol=each.protocol, Endpoint=each.endpoint)
    return Created(topic_arn, {"TopicArn": topic_arn, "TopicName": name})


RESOURCE_TYPES: Final = (
    ResourceType("AWS::Logs::LogGroup", LogGroupProperties, _create_log_group, frozenset({"Arn"})),
    ResourceType("AWS::CloudWatch::Alarm", AlarmProperties, _create_alarm, frozenset({"Arn"})),
    ResourceType("AWS::CloudWatch::Dashboard", DashboardProperties, _create_dashboard),
    ResourceType("AWS::SNS::Topic", TopicProperties, _create_topic, frozenset({"TopicArn", "TopicName"})),
)
