"""A metric is one JSON line on stdout that CloudWatch understands."""

import json

import pytest

from fermata.adapters.emf_metrics import EmfMetrics


def test_what_is_used_of_something_is_a_line_in_percent(capsys: pytest.CaptureFixture[str]) -> None:
    EmfMetrics().percent("ProviderBudgetUsed", "minimax", 80)
    used = json.loads(capsys.readouterr().out)
    (metrics,) = used["_aws"]["CloudWatchMetrics"]
    assert (used["ProviderBudgetUsed"], used["provider"], metrics["Dimensions"]) == ([80], "minimax", [["provider"]])
    assert metrics["Metrics"] == [{"Name": "ProviderBudgetUsed", "Unit": "Percent"}]


def test_an_amount_of_money_is_a_line_in_usd_without_a_unit(capsys: pytest.CaptureFixture[str]) -> None:
    EmfMetrics().usd("UnknownOutcomeUsdAtRisk", "aimlapi", 31_500)
    told = json.loads(capsys.readouterr().out)
    (metrics,) = told["_aws"]["CloudWatchMetrics"]
    assert (told["UnknownOutcomeUsdAtRisk"], told["provider"]) == ([0.0315], "aimlapi")
    assert metrics["Metrics"] == [{"Name": "UnknownOutcomeUsdAtRisk", "Unit": "None"}]


def test_an_event_and_a_time_are_lines_with_their_provider_as_dimension(capsys: pytest.CaptureFixture[str]) -> None:
    EmfMetrics().count("CircuitOpened", "minimax")
    EmfMetrics().milliseconds("SlotWaitMs", "aimlapi", 0)
    opened, waited = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (opened["CircuitOpened"], opened["provider"]) == ([1], "minimax")
    assert (waited["SlotWaitMs"], waited["provider"]) == ([0], "aimlapi")
    for line, name, unit in ((opened, "CircuitOpened", "Count"), (waited, "SlotWaitMs", "Milliseconds")):
        (metrics,) = line["_aws"]["CloudWatchMetrics"]
        assert metrics["Namespace"] == "Fermata"
        assert metrics["Dimensions"] == [["provider"]]
        assert [(metric["Name"], metric["Unit"]) for metric in metrics["Metrics"]] == [(name, unit)]
