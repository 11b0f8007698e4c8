"""What an operator's commands and reservations need of the template."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from cli.dead_letters import OUTPUT, QUEUES
from fermata.domain.operator.status import (
    BUDGET_PERCENT,
    OVERDUE_AFTER,
    SEEN_BY_CLOUDWATCH_ALONE,
    UNKNOWN_OUTCOMES,
)

pytestmark = pytest.mark.check

Template = dict[str, Any]
RESERVED = {
    "AuthorizeRequestFunction": "ReservedAuthorizers",
    "SubmitJobFunction": "ReservedSubmits",
    "SettleJobFunction": "ReservedSettlements",
}


def of_type(resources: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == kind}


def test_a_redrive_knows_every_dead_letter_queue_and_the_one_function_that_fills_it(
    template: Template, resources: Template
) -> None:
    said = json.loads(template["Outputs"][OUTPUT]["Value"]["Fn::Sub"])
    known = {tuple(re.findall(r"\$\{(\w+)\}", " ".join(pair))) for pair in said.values()}
    functions = of_type(resources, "AWS::Serverless::Function")
    filled = {
        (arn["Fn::GetAtt"][0], name)
        for name, function in functions.items()
        for arn in (
            *([function["DeadLetterQueue"]["TargetArn"]] if "DeadLetterQueue" in function else []),
            *(
                event["Properties"]["DeadLetterConfig"]["Arn"]
                for event in function.get("Events", {}).values()
                if "DeadLetterConfig" in event["Properties"]
            ),
        )
    }
    assert tuple(said) == QUEUES
    assert known == filled
    assert {queue for queue, _ in known} == set(of_type(resources, "AWS::SQS::Queue"))


@pytest.mark.parametrize(("function", "parameter"), RESERVED.items())
def test_a_reservation_of_0_leaves_the_property_out_and_any_other_sets_it(
    template: Template, transformed: Template, function: str, parameter: str
) -> None:
    said = template["Parameters"][parameter]
    assert (said["Type"], said["Default"], said["MinValue"]) == ("Number", 0, 0)
    made = transformed["Resources"][function]["Properties"]
    condition, then, otherwise = made["ReservedConcurrentExecutions"]["Fn::If"]
    assert (then, otherwise) == ({"Ref": parameter}, {"Ref": "AWS::NoValue"})
    assert template["Conditions"][condition] == {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, 0]}]}


def test_the_status_finds_alarming_what_the_alarms_of_the_template_do(resources: Template) -> None:
    alarms = of_type(resources, "AWS::CloudWatch::Alarm")
    silent = alarms["ReaperSilentAlarm"]
    assert alarms["ProviderBudgetAlarm"]["Threshold"] == BUDGET_PERCENT
    assert alarms["UnknownOutcomesAlarm"]["Threshold"] == UNKNOWN_OUTCOMES
    assert silent["Period"] * silent["EvaluationPeriods"] == OVERDUE_AFTER.total_seconds()
    assert set(SEEN_BY_CLOUDWATCH_ALONE) <= set(alarms)
