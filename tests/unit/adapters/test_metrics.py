"""A metric is one JSON line on stdout that CloudWatch understands."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from fermata.adapters.metrics import EmfMetrics
from local.deploy.transform import read_template
from tests.functions import ROOT

TEMPLATE: Mapping[str, Any] = read_template(ROOT / "template.yaml")
ALARMS = {name: each["Properties"] for name, each in TEMPLATE["Resources"].items() if each["Type"].endswith("::Alarm")}

QUERY = re.compile(
    r'SELECT MAX\((?P<metric>\w+)\) FROM SCHEMA\("(?P<namespace>\w+)", (?P<dimensions>[\w, ]+)\) '
    r"WHERE stack = '\$\{AWS::StackName\}' GROUP BY"
)


@pytest.fixture(autouse=True)
def _as_the_template_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "POWERTOOLS_SERVICE_NAME"
    monkeypatch.setenv(name, TEMPLATE["Globals"]["Function"]["Environment"]["Variables"][name])


WRITES: Mapping[str, Callable[[], None]] = {
    "ProviderBudgetUsed": lambda: EmfMetrics("fermata").percent("ProviderBudgetUsed", "minimax", 80),
    "WalletDriftCredits": lambda: EmfMetrics("fermata").credits("WalletDriftCredits", 1),
}


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_watches_a_metric_that_is_written_with_exactly_its_dimensions(
    alarm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """CloudWatch knows a metric by all of its dimensions: with one more it is another metric, and the alarm is deaf."""
    namespace, metric, dimensions = watched_by(ALARMS[alarm])
    WRITES[metric]()
    (written,) = json.loads(capsys.readouterr().out)["_aws"]["CloudWatchMetrics"]
    assert (written["Namespace"], written["Dimensions"]) == (namespace, [dimensions])
    assert [each["Name"] for each in written["Metrics"]] == [metric]


def watched_by(alarm: Mapping[str, Any]) -> tuple[str, str, list[str]]:
    """The namespace, the metric and the names of its dimensions that an alarm watches, by itself or by its query."""
    if "Metrics" not in alarm:
        return alarm["Namespace"], alarm["MetricName"], [each["Name"] for each in alarm.get("Dimensions", [])]
    [query] = alarm["Metrics"]
    found = QUERY.match(query["Expression"]["Fn::Sub"])
    assert found is not None, query["Expression"]
    return found["namespace"], found["metric"], found["dimensions"].split(", ")


def test_a_used_share_is_a_line_in_percent(capsys: pytest.CaptureFixture[str]) -> None:
    EmfMetrics("fermata").percent("ProviderBudgetUsed", "minimax", 80)
    used = json.loads(capsys.readouterr().out)
    (metrics,) = used["_aws"]["CloudWatchMetrics"]
    assert (used["ProviderBudgetUsed"], used["provider"], metrics["Dimensions"]) == (
        [80],
        "minimax",
        [["stack", "provider"]],
    )
    assert metrics["Metrics"] == [{"Name": "ProviderBudgetUsed", "Unit": "Percent"}]


def test_an_amount_of_money_is_a_line_in_usd_without_a_unit(capsys: pytest.CaptureFixture[str]) -> None:
    EmfMetrics("fermata").usd("UnknownOutcomeUsdAtRisk", "aimlapi", 31_500)
    told = json.loads(capsys.readouterr().out)
    (metrics,) = told["_aws"]["CloudWatchMetrics"]
    assert (told["UnknownOutcomeUsdAtRisk"], told["provider"]) == ([0.0315], "aimlapi")
    assert metrics["Metrics"] == [{"Name": "UnknownOutcomeUsdAtRisk", "Unit": "None"}]


def test_an_amount_of_credits_is_a_line_of_its_stack(capsys: pytest.CaptureFixture[str]) -> None:
    EmfMetrics("fermata").credits("WalletDriftCredits", 0)
    told = json.loads(capsys.readouterr().out)
    (metrics,) = told["_aws"]["CloudWatchMetrics"]
    assert (told["WalletDriftCredits"], metrics["Namespace"], metrics["Dimensions"]) == ([0], "Fermata", [["stack"]])
    assert metrics["Metrics"] == [{"Name": "WalletDriftCredits", "Unit": "None"}]


def test_an_event_and_a_time_are_lines_with_their_provider_as_dimension(capsys: pytest.CaptureFixture[str]) -> None:
    EmfMetrics("fermata").count("CircuitOpened", "minimax")
    EmfMetrics("fermata").milliseconds("SlotWaitMs", "aimlapi", 0)
    opened, waited = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (opened["CircuitOpened"], opened["provider"]) == ([1], "minimax")
    assert (waited["SlotWaitMs"], waited["provider"]) == ([0], "aimlapi")
    for line, name, unit in ((opened, "CircuitOpened", "Count"), (waited, "SlotWaitMs", "Milliseconds")):
        (metrics,) = line["_aws"]["CloudWatchMetrics"]
        assert metrics["Namespace"] == "Fermata"
        assert metrics["Dimensions"] == [["stack", "provider"]]
        assert line["stack"] == "fermata"
        assert [(metric["Name"], metric["Unit"]) for metric in metrics["Metrics"]] == [(name, unit)]
