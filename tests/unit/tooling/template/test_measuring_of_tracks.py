"""The rule that has delivered songs measured: for their jobs' events only, after the end, and nothing is lost."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from moto.events.models import EventPattern

from fermata.adapters.events import SOURCE
from fermata.domain.finish.events import end_of
from fermata.domain.jobs.job import Job
from fermata.domain.money.usage import usage_event
from local.emulator.event_targets import payload
from tests.fakes.clock import NOON
from tests.songs import JOB_ID, delivered_job, failed_job, rate_limited

pytestmark = pytest.mark.check

STACK = "fermata"
Template = dict[str, Any]


def rule_of(resources: Template) -> dict[str, Any]:
    events: dict[str, Any] = resources["MeasureTracksFunction"]["Properties"]["Events"]
    return dict(events["JobSucceeded"]["Properties"])


def as_sent(detail_type: str, detail: Mapping[str, object]) -> Any:  # noqa: ANN401 - an event
    return {"source": SOURCE, "detail-type": detail_type, "detail": {**detail, "stack": STACK}}


def test_the_event_of_a_delivered_job_starts_it_with_the_jobs_id_and_no_other_does(resources: Template) -> None:
    rule = rule_of(resources)
    pattern = EventPattern(None, {**rule["Pattern"], "detail": {"stack": [STACK]}})

    def matches(job: Job) -> bool:
        return pattern.matches_event(as_sent(end_of(job).detail_type, end_of(job).detail))

    assert rule["Pattern"]["detail"] == {"stack": [{"Ref": "AWS::StackName"}]}
    job = delivered_job()
    usage = usage_event(job)
    assert matches(job)
    assert not matches(failed_job(rate_limited()).settled(rate_limited(), NOON))
    assert not pattern.matches_event(as_sent(usage.detail_type, usage.detail))
    sent = json.loads(payload(as_sent(end_of(job).detail_type, end_of(job).detail), {"InputPath": rule["InputPath"]}))
    assert sent["job_id"] == JOB_ID


def test_what_it_could_not_do_lies_in_a_queue_and_settling_knows_nothing_of_it(resources: Template) -> None:
    function = resources["MeasureTracksFunction"]["Properties"]
    queue = {"Fn::GetAtt": ["MeasureTracksDeadLetterQueue", "Arn"]}
    assert function["DeadLetterQueue"]["TargetArn"] == rule_of(resources)["DeadLetterConfig"]["Arn"] == queue
    assert "MeasureTracks" not in json.dumps(resources["SettleJobFunction"])


def test_the_media_layer_belongs_to_the_one_function_that_listens(resources: Template) -> None:
    layers = {
        name: resource["Properties"]["Layers"]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function" and "Layers" in resource["Properties"]
    }
    assert {name for name, used in layers.items() if {"Ref": "MediaLayer"} in used} == {"MeasureTracksFunction"}


def test_a_parameter_switches_the_rule(resources: Template, template: Template) -> None:
    assert rule_of(resources)["State"] == {"Fn::If": ["TracksAreMeasured", "ENABLED", "DISABLED"]}
    assert template["Parameters"]["MeasureTracks"]["Default"] == "true"
