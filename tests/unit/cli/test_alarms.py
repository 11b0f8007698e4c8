"""The status of a stack has the alarms that are raised there, or says why they cannot be read."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli import admin
from cli.alarms import raised_alarms

ALARM = {
    "AlarmName": "songs-DeadLettersAlarm-1A2B",
    "StateUpdatedTimestamp": datetime(2026, 11, 21, 12, tzinfo=UTC),
    "StateReason": "Threshold Crossed",
}
RAISED = {"alarm": "DeadLettersAlarm-1A2B", "since": "2026-11-21T12:00:00+00:00", "reason": "Threshold Crossed"}
DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeAlarms")


class CloudWatch:
    """Gives two pages of alarms, the second of a stack whose name begins like the first's, or refuses."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.asked: dict[str, object] = {}

    def get_paginator(self, operation: str) -> "CloudWatch":
        assert operation == "describe_alarms"
        return self

    def paginate(self, **asked: object) -> Iterator[dict[str, Any]]:
        self.asked = asked
        if self.failure:
            raise self.failure
        yield {"MetricAlarms": [ALARM]}
        yield {"MetricAlarms": [{**ALARM, "AlarmName": "songs-stage-DeadLettersAlarm-1A2B"}]}


def test_the_raised_alarms_of_one_stack_are_asked_for() -> None:
    cloudwatch = CloudWatch()

    assert raised_alarms(cloudwatch, "songs") == [RAISED]
    assert cloudwatch.asked == {"AlarmNamePrefix": "songs-", "StateValue": "ALARM", "AlarmTypes": ["MetricAlarm"]}


def test_an_operator_without_the_right_learns_which_is_missing() -> None:
    told = raised_alarms(CloudWatch(DENIED), "songs")

    assert isinstance(told, str)
    assert told.startswith("cannot be read (needs cloudwatch:DescribeAlarms): your AWS credentials")


@pytest.mark.parametrize(("cloudwatch", "first"), [(CloudWatch(), [RAISED]), (CloudWatch(DENIED), None)])
def test_a_status_shows_the_rest_whether_alarms_can_be_read_or_not(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    cloudwatch: CloudWatch,
    first: list[dict[str, str]] | None,
) -> None:
    class Function:
        def invoke(self, **_: object) -> dict[str, Any]:
            return {"Payload": io.BytesIO(b'{"alarming": []}')}

    class Sts:
        def get_caller_identity(self) -> dict[str, str]:
            return {"Arn": "arn"}

    clients = {"lambda": Function(), "sts": Sts(), "cloudwatch": cloudwatch}
    monkeypatch.setattr(admin, "_on_aws", lambda _stack: (clients.__getitem__, {"ManageTenantsFunctionName": "manage"}))
    assert admin.main(["--stack", "songs", "status"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["alarming"] == []
    assert told["raised_alarms"] == first or (first is None and "cloudwatch:DescribeAlarms" in told["raised_alarms"])
