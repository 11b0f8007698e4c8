"""A small CloudWatch: it takes metrics from lines in the Embedded Metric Format, and judges an alarm by its own terms.

The rules are those of the Amazon CloudWatch User Guide: "Configuring how CloudWatch alarms treat missing data", "Using
math expressions with CloudWatch metrics", "Metrics Insights query components and syntax", "Percentile-based alarms and
low data samples", and, for AWS/DynamoDB, `TreatMissingData` of PutMetricAlarm. Where the guide is silent, the less
favourable answer holds: a metric that never had a value stays absent, whatever fills gaps.
"""

import json
import re
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
Dimensions = frozenset[tuple[str, str]]
Alarm = Mapping[str, Any]
"""The properties of an alarm, with every reference resolved."""
_MORE_PERIODS: Final = 2
"""How many periods beyond its own an alarm looks back for values; the guide's examples look at five for three."""
_QUERY: Final = re.compile(
    r'SELECT (?P<function>SUM|MAX|MIN|AVG|COUNT)\((?P<metric>[^)]+)\) FROM SCHEMA\("(?P<namespace>[^"]+)"'
    r"(?P<schema>(?:, *\w+)*)\)(?: WHERE (?P<where>.+?))? GROUP BY (?P<group>\w+) ORDER BY (?P=function)\(\) DESC"
)
_EQUALS: Final = re.compile(r"(\w+) *= *'([^']*)'")
_SUM: Final = "SUM(FILL(METRICS(), 0))"


@dataclass(frozen=True)
class Identity:
    """A metric, known by its namespace, its name and all of its dimensions."""

    namespace: str
    name: str
    dimensions: Dimensions = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """The names of its dimensions."""
        return frozenset(name for name, _ in self.dimensions)


@dataclass
class CloudWatch:
    """Values by metric, each with the second at which it happened."""

    values: dict[Identity, list[tuple[int, float]]] = field(default_factory=dict)

    def put(self, metric: Identity, at_s: int, *values: float) -> None:
        """Store values that happened at this second, in any order of time."""
        stored = self.values.setdefault(metric, [])
        for value in values:
            insort(stored, (at_s, value))

    def put_lines(self, lines: str, at_s: int) -> None:
        """Store every metric of a function's output as if it had happened at this second."""
        for metric, values in read_lines(lines):
            self.put(metric, at_s, *values)

    def state(self, alarm: Alarm, now_s: int, before: State = "INSUFFICIENT_DATA", late_s: int = 0) -> State:
        """The alarm's state at this second, given the one before; values arrive `late_s` after they happened."""
        periods = alarm["EvaluationPeriods"]
        rule = alarm.get("TreatMissingData", "missing")
        states = [
            _judged(series, alarm, rule, before)
            for series in self._series(alarm, now_s, late_s, periods + _MORE_PERIODS)
        ]
        if not states:
            return _judged([], alarm, rule, before)
        return next((state for state in ("ALARM", "OK") if state in states), states[0])

    def ever_alarms(self, alarm: Alarm, until_s: int, late_s: int = 0) -> bool:
        """Whether the alarm is raised in any minute from 0 to this second, given that it began in OK."""
        state: State = "OK"
        for now_s in range(0, until_s + 1, 60):
            state = self.state(alarm, now_s, state, late_s)
            if state == "ALARM":
                return True
        return False

    def _series(self, alarm: Alarm, now_s: int, late_s: int, count: int) -> Iterator[list[float | None]]:
        """The values of each watched series by period, the oldest first, None where there is none."""
        if "Metrics" not in alarm:
            statistic = alarm.get("Statistic") or alarm["ExtendedStatistic"]
            low = alarm.get("EvaluateLowSampleCountPercentile", "evaluate") == "ignore"
            window = _Window(now_s, late_s, count, alarm["Period"])
            yield [statistic_of(statistic, each, ignore_few=low) for each in self._periods([identity(alarm)], window)]
        elif all("MetricStat" not in query for query in alarm["Metrics"]):
            (query,) = alarm["Metrics"]
            yield from self._queried(query, _Window(now_s, late_s, count, query["Period"]))
        else:
            yield self._summed(alarm["Metrics"], now_s, late_s, count)

    def _queried(self, query: Alarm, window: "_Window") -> Iterator[list[float | None]]:
        asked = read_query(query["Expression"])
        groups: dict[str, list[Identity]] = {}
        for metric in self.values:
            if asked.takes(metric):
                groups.setdefault(dict(metric.dimensions)[asked.group], []).append(metric)
        for metrics in groups.values():
            yield [statistic_of(asked.statistic, each) for each in self._periods(metrics, window)]

    def _summed(self, queries: Sequence[Alarm], now_s: int, late_s: int, count: int) -> list[float | None]:
        (expression,) = (query["Expression"] for query in queries if query.get("ReturnData", True))
        assert expression == _SUM, f"this expression is not one of those that are judged here: {expression}"
        stats = [query["MetricStat"] for query in queries if "MetricStat" in query]
        every = [
            [statistic_of(stat["Stat"], each) for each in self._periods([identity(stat["Metric"])], window)]
            for stat in stats
            for window in [_Window(now_s, late_s, count, stat["Period"])]
            if identity(stat["Metric"]) in self.values
        ]
        if not every:
            return [None] * count
        return [sum(value or 0 for value in at_once) for at_once in zip(*every, strict=True)]

    def _periods(self, metrics: Sequence[Identity], window: "_Window") -> list[list[float]]:
        """The values of all these metrics together, by period."""
        buckets: list[list[float]] = [[] for _ in range(window.count)]
        for metric in metrics:
            stored = self.values.get(metric, [])
            for at_s, value in stored[bisect_left(stored, (window.first_s,)) : bisect_left(stored, (window.end_s,))]:
                buckets[(at_s - window.first_s) // window.period_s].append(value)
        return buckets


@dataclass(frozen=True)
class _Window:
    """The last `count` periods before a moment, and how much of them has not arrived yet."""

    now_s: int
    late_s: int
    count: int
    period_s: int

    @property
    def first_s(self) -> int:
        return self.now_s - self.count * self.period_s

    @property
    def end_s(self) -> int:
        return self.now_s - max(self.late_s - 1, 0)


@dataclass(frozen=True)
class Query:
    """A query of Metrics Insights: the metrics that it takes, and what it makes of each group."""

    statistic: str
    namespace: str
    metric: str
    schema: frozenset[str]
    where: Dimensions
    group: str

    def takes(self, metric: Identity) -> bool:
        """Whether the metric is one of the query's: a schema names all dimensions and no others."""
        same = (metric.namespace, metric.name, metric.names) == (self.namespace, self.metric, self.schema)
        return same and self.where <= metric.dimensions


def read_query(expression: str) -> Query:
    """Read a query of Metrics Insights; raises `AssertionError` for a form that is not judged here."""
    found = _QUERY.fullmatch(expression)
    assert found is not None, f"this query is not one of those that are judged here: {expression}"
    statistics = {"SUM": "Sum", "MAX": "Maximum", "MIN": "Minimum", "AVG": "Average", "COUNT": "SampleCount"}
    return Query(
        statistics[found["function"]],
        found["namespace"],
        found["metric"],
        frozenset(re.findall(r"\w+", found["schema"])),
        frozenset(_EQUALS.findall(found["where"] or "")),
        found["group"],
    )


def identity(metric: Alarm) -> Identity:
    """The metric that an alarm or a part of it names."""
    dimensions = frozenset((each["Name"], each["Value"]) for each in metric.get("Dimensions", ()))
    return Identity(metric["Namespace"], metric["MetricName"], dimensions)


def alarms_of(resources: Mapping[str, Any], stack: str = "fermata") -> dict[str, Alarm]:
    """Every alarm of a template, with logical ids in place of references, and the name of its stack."""
    found = {name: each for name, each in resources.items() if each["Type"] == "AWS::CloudWatch::Alarm"}
    return {name: plain(each["Properties"], stack) for name, each in found.items()}


def plain(value: Any, stack: str) -> Any:  # noqa: ANN401 - a part of a template
    """The value with logical ids in place of references."""
    if isinstance(value, list):
        return [plain(each, stack) for each in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Ref": "AWS::StackName"}:
            return stack
        case {"Ref": name} | {"Fn::GetAtt": [name, _]}:
            return name
        case {"Fn::Sub": str(text)}:
            return text.replace("${AWS::StackName}", stack)
    return {name: plain(each, stack) for name, each in value.items()}


def read_lines(lines: str) -> Iterator[tuple[Identity, list[float]]]:
    """Every metric with its values that CloudWatch takes from lines of a function's output; other lines are skipped."""
    for line in lines.splitlines():
        written = json.loads(line) if line.startswith("{") else {}
        for directive in written.get("_aws", {}).get("CloudWatchMetrics", ()):
            for names in directive["Dimensions"]:
                dimensions = frozenset((name, str(written[name])) for name in names)
                for metric in directive["Metrics"]:
                    value = written[metric["Name"]]
                    values = value if isinstance(value, list) else [value]
                    yield Identity(directive["Namespace"], metric["Name"], dimensions), values


def statistic_of(statistic: str, values: Sequence[float], *, ignore_few: bool = False) -> float | None:
    """One statistic over the values of a period, None without any, or with too few for the percentile."""
    if not values:
        return None
    if statistic.startswith("p"):
        share = float(statistic[1:]) / 100
        few = len(values) < 10 / (1 - share if share >= 0.5 else share)
        return None if few and ignore_few else sorted(values)[min(int(len(values) * share), len(values) - 1)]
    return {
        "Sum": sum(values),
        "Average": sum(values) / len(values),
        "Maximum": max(values),
        "Minimum": min(values),
        "SampleCount": float(len(values)),
    }[statistic]


def _judged(series: Sequence[float | None], alarm: Alarm, rule: str, before: State) -> State:
    needed, breaching = alarm["EvaluationPeriods"], alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"])
    if alarm.get("Namespace") == "AWS/DynamoDB":
        rule = "ignore"
    known = [_breaches(value, alarm) for value in series if value is not None][-needed:]
    missing = needed - len(known)
    if sum(known) + (missing if rule == "breaching" else 0) >= breaching:
        return "ALARM"
    if not missing or rule in ("breaching", "notBreaching") or not all(known):
        return "OK"
    # Too few values, and all of them breach, or there is none.
    if rule == "ignore":
        return before
    return "ALARM" if known else "INSUFFICIENT_DATA"


def _breaches(value: float, alarm: Alarm) -> bool:
    threshold = float(alarm["Threshold"])
    return {
        "GreaterThanOrEqualToThreshold": value >= threshold,
        "GreaterThanThreshold": value > threshold,
        "LessThanThreshold": value < threshold,
        "LessThanOrEqualToThreshold": value <= threshold,
    }[alarm["ComparisonOperator"]]
