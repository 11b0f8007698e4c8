"""What runs on a schedule on this machine, and how often."""

from queue import SimpleQueue
from typing import Any

import pytest

from local.emulator.schedules import Schedule, Timers, rate_s, read_schedules

TARGET = {"Id": "1", "Arn": "arn:aws:lambda:eu-west-1:123456789012:function:fermata-ReapJobsFunction"}
RULE = {"Name": "every-minute", "Arn": "arn:rule", "State": "ENABLED", "ScheduleExpression": "rate(1 minute)"}


class Rules:
    """An EventBridge client that knows some rules, each with the same target."""

    def __init__(self, *rules: dict[str, Any], target: dict[str, str] = TARGET) -> None:
        self.rules, self.target = list(rules), target

    def get_paginator(self, _: str) -> "Rules":
        return self

    def paginate(self) -> list[dict[str, Any]]:
        return [{"Rules": [rule]} for rule in self.rules]

    def list_targets_by_rule(self, Rule: str) -> dict[str, Any]:  # noqa: N803, ARG002 - as boto3 calls it
        return {"Targets": [self.target]}


@pytest.mark.parametrize(
    ("expression", "every_s"),
    [
        ("rate(1 minute)", 60),
        ("rate(5 minutes)", 300),
        ("rate(2 hours)", 7200),
        ("rate(1 day)", 86400),
        ("rate(0 minutes)", None),
        ("cron(0 12 * * ? *)", None),
        ("", None),
    ],
)
def test_a_rate_is_a_number_of_seconds(expression: str, every_s: int | None) -> None:
    assert rate_s(expression) == every_s


def test_enabled_rules_on_a_schedule_run_their_functions() -> None:
    pattern = {"Name": "pattern", "Arn": "arn:other", "State": "ENABLED"}
    disabled = {**RULE, "State": "DISABLED"}
    assert read_schedules(Rules(pattern, disabled, RULE)) == [Schedule("arn:rule", 60, TARGET)]
    assert read_schedules(Rules(RULE, target={"Id": "1", "Arn": "arn:aws:sqs:eu-west-1:1:queue"})) == []


def test_a_function_is_called_by_the_name_of_its_folder() -> None:
    assert Schedule("arn:rule", 60, TARGET).function == "reap_jobs"


def test_a_timer_hands_on_a_scheduled_event_until_it_is_stopped() -> None:
    delivered: SimpleQueue[tuple[str, dict[str, Any]]] = SimpleQueue()
    timers = Timers([Schedule("arn:rule", 0, TARGET)], lambda rule, _, event: delivered.put((rule, dict(event))))
    timers.start()
    rule, event = delivered.get(timeout=10)
    timers.stop()
    assert (rule, event["detail-type"], event["resources"]) == ("arn:rule", "Scheduled Event", ["arn:rule"])
