"""The dashboards draw metrics that exist: those that the functions write, and those of the stack's own resources."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from tests.support import observed
from tests.support.cloudwatch import read_lines

pytestmark = pytest.mark.check

Template = dict[str, Any]
SEARCH: Final = re.compile(
    r"SEARCH\('\{Fermata,(?P<dimensions>[\w,]+)\} MetricName=\"(?P<metric>\w+)\" stack=\"\$\{AWS::StackName\}\"', "
    r"'(?P<statistic>\w+)', (?P<period>\d+)\)"
)
OF_AWS: Final = {
    ("AWS/States", "StateMachineArn"): {"ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed"}
    | {"ExecutionsTimedOut", "ExecutionsAborted"},
    ("AWS/ApiGateway", "ApiId"): {"Count", "4xx", "5xx", "Latency"},
    ("AWS/Lambda", "FunctionName"): {"Errors", "Throttles", "ConcurrentExecutions"},
    ("AWS/DynamoDB", "TableName"): {"ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"}
    | {"ReadThrottleEvents", "WriteThrottleEvents"},
    ("AWS/SQS", "QueueName"): {"ApproximateNumberOfMessagesVisible"},
}
"""The metrics that AWS documents, by namespace and first dimension."""
OLDER: Final = {"MinimaxBudgetAlarm", "SkillbossBudgetAlarm", "ApiinoneBudgetAlarm", "AimlapiBudgetAlarm"}


@pytest.fixture(scope="module")
def bodies(resources: Template) -> dict[str, dict[str, Any]]:
    """Each dashboard's body, with references as the template writes them."""
    return {
        name: json.loads(each["Properties"]["DashboardBody"]["Fn::Sub"])
        for name, each in resources.items()
        if each["Type"] == "AWS::CloudWatch::Dashboard"
    }


@pytest.fixture(scope="module")
def drawn(bodies: dict[str, dict[str, Any]]) -> list[list[Any]]:
    return [
        metric
        for body in bodies.values()
        for widget in body["widgets"]
        for metric in widget["properties"].get("metrics", ())
    ]


def _searched(drawn: list[list[Any]]) -> Iterator[tuple[str, frozenset[str]]]:
    for metric in drawn:
        if isinstance(metric[0], dict):
            found = SEARCH.fullmatch(metric[0]["expression"])
            assert found is not None, metric
            yield found["metric"], frozenset(found["dimensions"].split(","))


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> set[tuple[str, frozenset[str]]]:
    """The name and the dimensions of everything that the functions write in good and in bad times."""
    every: set[Callable[[], None]] = {do for do, _ in observed.TROUBLES.values()}
    for do in (*every, observed.a_run_of_the_reaper, observed.a_job_that_goes_well):
        do()
    return {(metric.name, metric.names) for metric, _ in read_lines(capsys.readouterr().out)}


def test_there_is_one_for_the_business_and_one_for_the_machine(bodies: dict[str, dict[str, Any]]) -> None:
    assert bodies.keys() == {"BusinessDashboard", "MachineDashboard"}
    titles = {widget["properties"]["title"] for widget in bodies["BusinessDashboard"]["widgets"]}
    assert {title.split(" a")[0].split(",")[0] for title in titles} >= {"Orders", "Ends by class", "Seconds to"}


def test_every_search_finds_metrics_that_the_functions_write_for_this_stack(
    drawn: list[list[Any]], written: set[tuple[str, frozenset[str]]]
) -> None:
    searched = list(_searched(drawn))
    business = {"JobsEnded", "JobSeconds", "JobCredits", "UnknownOutcomes", "UnknownOutcomeUsdAtRisk"}

    assert {name for name, _ in searched} >= business
    assert [each for each in searched if each not in written] == []


def test_every_other_metric_is_one_of_aws_for_a_resource_of_the_template_or_of_this_stack(
    drawn: list[list[Any]], resources: Template, written: set[tuple[str, frozenset[str]]]
) -> None:
    named = [[part for part in metric if isinstance(part, str)] for metric in drawn if isinstance(metric[0], str)]
    for namespace, name, dimension, value, *_ in named:
        if namespace == "Fermata":
            assert (dimension, value, (name, frozenset({"stack"})) in written) == ("stack", "${AWS::StackName}", True)
        else:
            assert name in OF_AWS[namespace, dimension]
            assert re.fullmatch(r"\$\{(\w+)(\.\w+)?\}", value)
            assert value.strip("${}").partition(".")[0] in resources
    assert len(named) > 50


def test_the_machines_dashboard_shows_every_alarm(bodies: dict[str, dict[str, Any]], resources: Template) -> None:
    (shown,) = (
        widget["properties"]["alarms"] for widget in bodies["MachineDashboard"]["widgets"] if widget["type"] == "alarm"
    )
    alarms = {name for name, each in resources.items() if each["Type"] == "AWS::CloudWatch::Alarm"}
    # These matter during a deployment, which names them itself.
    of_releases = {name for name in alarms if name.endswith("ReleaseAlarm")}

    assert sorted(shown) == sorted(f"${{{name}.Arn}}" for name in alarms - OLDER - of_releases)


def test_no_widget_covers_another(bodies: dict[str, dict[str, Any]]) -> None:
    for name, body in bodies.items():
        covered = [
            (x, y)
            for widget in body["widgets"]
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        ]
        assert len(covered) == len(set(covered)), name
        assert max(x for x, _ in covered) < 24, name
