"""The evaluator of alarms gives the states that the examples of CloudWatch's user guide give."""

import json

import pytest

from tests.support.cloudwatch import CloudWatch, Identity, State, read_lines, read_query, statistic_of

METRIC = Identity("Mine", "Broken")
RETAINED: State = "INSUFFICIENT_DATA"
RULES = ("missing", "ignore", "breaching", "notBreaching")


def alarm(needed: int, breaching: int, rule: str, **changes: object) -> dict[str, object]:
    return {
        "Namespace": "Mine",
        "MetricName": "Broken",
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": needed,
        "DatapointsToAlarm": breaching,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": rule,
        **changes,
    }


def seen(points: str, metric: Identity = METRIC) -> CloudWatch:
    """Five periods of a minute as the guide draws them: 0 is fine, X breaches, - is missing; the newest is the last."""
    cloudwatch = CloudWatch()
    for minute, point in enumerate(points.split()):
        if point != "-":
            cloudwatch.put(metric, minute * 60, float(point == "X"))
    return cloudwatch


@pytest.mark.parametrize(
    ("points", "breaching", "states"),
    [
        ("0 - X - X", 3, ("OK", "OK", "OK", "OK")),
        ("- - - - 0", 3, ("OK", "OK", "OK", "OK")),
        ("- - - - -", 3, ("INSUFFICIENT_DATA", RETAINED, "ALARM", "OK")),
        ("0 X X - X", 3, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("- - X - -", 3, ("ALARM", RETAINED, "ALARM", "OK")),
        ("0 - X - X", 2, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("0 0 X 0 X", 2, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("0 - X - -", 2, ("OK", "OK", "ALARM", "OK")),
        ("- - - - 0", 2, ("OK", "OK", "ALARM", "OK")),
        ("- - - X -", 2, ("ALARM", RETAINED, "ALARM", "OK")),
    ],
)
def test_missing_values_are_treated_as_in_the_examples_of_the_guide(
    points: str, breaching: int, states: tuple[State, ...]
) -> None:
    cloudwatch = seen(points)

    assert tuple(cloudwatch.state(alarm(3, breaching, rule), 300, RETAINED) for rule in RULES) == states


def test_an_alarm_on_one_metric_of_a_table_keeps_its_state_without_values_whatever_it_says() -> None:
    metric = Identity("AWS/DynamoDB", "WriteThrottleEvents")
    on_a_table = alarm(1, 1, "notBreaching", Namespace=metric.namespace, MetricName=metric.name)

    assert seen("X - - - -", metric).state(on_a_table, 300, "ALARM") == "ALARM"
    assert seen("X - - - -").state(alarm(1, 1, "notBreaching"), 300, "ALARM") == "OK"


def test_a_metric_with_one_more_dimension_is_another_metric() -> None:
    more = Identity("Mine", "Broken", frozenset({("provider", "minimax")}))

    assert seen("X X X X X", more).state(alarm(1, 1, "notBreaching"), 300) == "OK"


def test_a_value_that_is_late_is_not_seen_yet() -> None:
    cloudwatch = seen("- - - - X")

    assert cloudwatch.state(alarm(1, 1, "notBreaching"), 300) == "ALARM"
    assert cloudwatch.state(alarm(1, 1, "notBreaching"), 300, late_s=120) == "OK"
    assert cloudwatch.state(alarm(1, 1, "notBreaching"), 360, late_s=120) == "ALARM"


def test_a_sum_takes_gaps_for_nothing_and_does_without_a_metric_that_never_had_a_value() -> None:
    cloudwatch = seen("- X - - -")
    stats = [
        {"Id": name, "ReturnData": False, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
        for name, metric in (
            ("broken", {"Namespace": "Mine", "MetricName": "Broken"}),
            ("never", {"Namespace": "Mine", "MetricName": "NeverThere"}),
        )
    ]
    summed = alarm(5, 1, "notBreaching")
    summed["Metrics"] = [{"Id": "all", "Expression": "SUM(FILL(METRICS(), 0))", "ReturnData": True}, *stats]

    assert cloudwatch.state(summed, 300) == "ALARM"
    assert cloudwatch.state({**summed, "Threshold": 2}, 300) == "OK"


def test_a_query_takes_only_metrics_of_exactly_its_schema_and_judges_each_group_alone() -> None:
    query = (
        "SELECT SUM(Broken) FROM SCHEMA(\"Mine\", provider, stack) WHERE stack = 'one' "
        "GROUP BY provider ORDER BY SUM() DESC"
    )
    watching = alarm(1, 1, "notBreaching", Threshold=2)
    watching["Metrics"] = [{"Id": "broken", "Expression": query, "Period": 60, "ReturnData": True}]

    def put(*metrics: frozenset[tuple[str, str]]) -> State:
        cloudwatch = CloudWatch()
        for dimensions in metrics:
            cloudwatch.put(Identity("Mine", "Broken", dimensions), 250, 1)
        return cloudwatch.state(watching, 300)

    minimax = frozenset({("provider", "minimax"), ("stack", "one")})
    assert put(minimax, minimax) == "ALARM"
    assert put(minimax, frozenset({("provider", "aimlapi"), ("stack", "one")})) == "OK"
    assert put(*[frozenset({("provider", "minimax"), ("stack", "two")})] * 2) == "OK"
    assert put(*[frozenset({("provider", "minimax")})] * 2) == "OK"


def test_a_query_or_an_expression_of_an_unknown_form_is_not_passed_over() -> None:
    with pytest.raises(AssertionError, match="not one of those"):
        read_query("SELECT SUM(Broken) FROM Mine")


def test_a_percentile_of_few_values_counts_only_where_the_alarm_says_so() -> None:
    assert statistic_of("p50", [1.0] * 19, ignore_few=True) is None
    assert statistic_of("p50", [1.0] * 19) == 1
    assert statistic_of("p50", [1.0] * 11 + [9.0] * 9, ignore_few=True) == 1
    assert statistic_of("p50", [1.0] * 9 + [9.0] * 11, ignore_few=True) == 9
    assert statistic_of("Average", [1, 2]) == 1.5


def test_one_line_may_hold_several_metrics_under_several_sets_of_dimensions() -> None:
    directive = {"Namespace": "Mine", "Dimensions": [[], ["model"]], "Metrics": [{"Name": "Ends"}, {"Name": "Seconds"}]}
    line = json.dumps(
        {"_aws": {"CloudWatchMetrics": [directive]}, "Ends": 1, "Seconds": [2.5], "model": "a", "of": "b"}
    )

    none, one = frozenset[tuple[str, str]](), frozenset({("model", "a")})
    assert list(read_lines(f"a line\n{line}\n")) == [
        (Identity("Mine", "Ends", none), [1]),
        (Identity("Mine", "Seconds", none), [2.5]),
        (Identity("Mine", "Ends", one), [1]),
        (Identity("Mine", "Seconds", one), [2.5]),
    ]
