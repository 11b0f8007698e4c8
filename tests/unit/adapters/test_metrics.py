"""A metric is one JSON line on stdout that CloudWatch understands."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from fermata.adapters.metrics import EmfMetrics
from fermata.domain.finish.job_end import JobEnd
from local.deploy.transform import read_template
from tests.functions import ROOT
from tests.support.cloudwatch import Identity, read_lines

TEMPLATE: Mapping[str, Any] = read_template(ROOT / "template.yaml")


@pytest.fixture(autouse=True)
def _as_the_template_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "POWERTOOLS_SERVICE_NAME"
    monkeypatch.setenv(name, TEMPLATE["Globals"]["Function"]["Environment"]["Variables"][name])


def test_a_used_share_is_a_line_in_percent(capsys: pytest.CaptureFixture[str]) -> None:
    EmfMetrics("songs").percent("ProviderBudgetUsed", "minimax", 80)
    used = json.loads(capsys.readouterr().out)
    (metrics,) = used["_aws"]["CloudWatchMetrics"]
    assert (used["ProviderBudgetUsed"], used["provider"], metrics["Dimensions"]) == (
        [80],
        "minimax",
        [["stack", "provider"]],
    )
    assert metrics["Metrics"] == [{"Name": "ProviderBudgetUsed", "Unit": "Percent"}]


def test_an_amount_of_money_is_a_line_in_usd_without_a_unit(capsys: pytest.CaptureFixture[str]) -> None:
    EmfMetrics("songs").usd("UnknownOutcomeUsdAtRisk", "aimlapi", 31_500)
    told = json.loads(capsys.readouterr().out)
    (metrics,) = told["_aws"]["CloudWatchMetrics"]
    assert (told["UnknownOutcomeUsdAtRisk"], told["provider"]) == ([0.0315], "aimlapi")
    assert metrics["Metrics"] == [{"Name": "UnknownOutcomeUsdAtRisk", "Unit": "None"}]


def test_a_time_that_belongs_to_no_provider_is_a_line_with_the_stack_alone(capsys: pytest.CaptureFixture[str]) -> None:
    EmfMetrics("songs").seconds("WebhookLagSeconds", 2.5)
    told = json.loads(capsys.readouterr().out)
    (metrics,) = told["_aws"]["CloudWatchMetrics"]
    assert (told["WebhookLagSeconds"], metrics["Dimensions"]) == ([2.5], [["stack"]])
    assert metrics["Metrics"] == [{"Name": "WebhookLagSeconds", "Unit": "Seconds"}]


def test_an_amount_of_credits_is_a_line_with_the_stack_alone(capsys: pytest.CaptureFixture[str]) -> None:
    EmfMetrics("songs").credits("WalletDriftCredits", 0)
    told = json.loads(capsys.readouterr().out)
    (metrics,) = told["_aws"]["CloudWatchMetrics"]
    assert (told["WalletDriftCredits"], metrics["Namespace"], metrics["Dimensions"]) == ([0], "Fermata", [["stack"]])
    assert metrics["Metrics"] == [{"Name": "WalletDriftCredits", "Unit": "None"}]


def job_end(outcome: str, model: str = "minimax/music-2.5") -> JobEnd:
    code = None if outcome == "succeeded" else "1002"
    return JobEnd("job_1", "acme", "minimax", model, outcome, code, "yes", 61.5, 30)


def test_the_end_of_a_delivered_job_is_one_line_by_class_and_by_model(capsys: pytest.CaptureFixture[str]) -> None:
    EmfMetrics("songs").job_ended(job_end("succeeded"))
    (line,) = capsys.readouterr().out.splitlines()
    of_a_song = frozenset({("stack", "songs"), ("provider", "minimax"), ("model", "minimax/music-2.5")})
    assert list(read_lines(line)) == [
        (Identity("Fermata", "JobsEnded", frozenset({("stack", "songs"), ("class", "succeeded")})), [1]),
        *(
            (Identity("Fermata", name, of_a_song), [value])
            for name, value in (("JobSeconds", 61.5), ("JobCredits", 30))
        ),
    ]
    told = json.loads(line)
    assert (told["tenant_id"], told["job_id"], told["provider_charged"], told["code"]) == ("acme", "job_1", "yes", None)


def test_no_name_that_a_caller_chose_becomes_a_dimension_and_a_tenant_never_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each new value of a dimension is a metric that costs money."""
    for number in range(3):
        EmfMetrics("songs").job_ended(job_end("not_entitled", f"apiinone/suno-{number}"))
    lines = capsys.readouterr().out
    assert {metric for metric, _ in read_lines(lines)} == {
        Identity("Fermata", "JobsEnded", frozenset({("stack", "songs"), ("class", "not_entitled")}))
    }
    assert [json.loads(line)["model"] for line in lines.splitlines()] == [f"apiinone/suno-{n}" for n in range(3)]


def test_an_event_and_a_time_are_lines_with_their_provider_as_dimension(capsys: pytest.CaptureFixture[str]) -> None:
    EmfMetrics("songs").count("CircuitOpened", "minimax")
    EmfMetrics("songs").milliseconds("SlotWaitMs", "aimlapi", 0)
    opened, waited = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (opened["CircuitOpened"], opened["provider"]) == ([1], "minimax")
    assert (waited["SlotWaitMs"], waited["provider"]) == ([0], "aimlapi")
    for line, name, unit in ((opened, "CircuitOpened", "Count"), (waited, "SlotWaitMs", "Milliseconds")):
        (metrics,) = line["_aws"]["CloudWatchMetrics"]
        assert metrics["Namespace"] == "Fermata"
        assert metrics["Dimensions"] == [["stack", "provider"]]
        assert [(metric["Name"], metric["Unit"]) for metric in metrics["Metrics"]] == [(name, unit)]
