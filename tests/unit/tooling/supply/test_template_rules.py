"""The template is held to rules that others wrote, and what it does not follow has a reason."""

import json
from typing import Any

import pytest

from tooling.supply.template_rules import (
    Finding,
    NotJudgedError,
    cfn_lint_findings,
    checkov_findings,
    judged_by_checkov,
    unanswered,
)

VPC = Finding("CKV_AWS_117", "SettleJobFunction", "Ensure that AWS Lambda function is configured inside a VPC")
VERSIONS = Finding("CKV_AWS_21", "AudioBucket", "Ensure the S3 bucket has versioning enabled")


def test_a_finding_without_an_exception_is_a_fault_that_names_rule_and_resource() -> None:
    assert unanswered([VERSIONS], {}) == [
        "template.yaml: CKV_AWS_21 AudioBucket: Ensure the S3 bucket has versioning enabled"
    ]


def test_an_exception_of_a_rule_answers_every_resource_and_one_with_a_resource_only_that() -> None:
    other = Finding("CKV_AWS_21", "OtherBucket", VERSIONS.message)

    assert unanswered([VERSIONS, other], {"CKV_AWS_21": "a reason"}) == []
    assert unanswered([VERSIONS, other], {"CKV_AWS_21 AudioBucket": "a reason"}) == [
        "template.yaml: CKV_AWS_21 OtherBucket: Ensure the S3 bucket has versioning enabled"
    ]


def test_an_exception_that_nothing_needs_any_more_is_a_fault() -> None:
    assert unanswered([VPC], {"CKV_AWS_117": "a reason", "CKV_AWS_21 AudioBucket": "a reason"}) == [
        "template.yaml: exception CKV_AWS_21 AudioBucket: nothing breaks this rule"
    ]


def test_an_exception_without_a_reason_is_a_fault() -> None:
    assert unanswered([VPC], {"CKV_AWS_117": ""}) == ["template.yaml: exception CKV_AWS_117: expected a reason"]


def test_cfn_lint_says_which_resource_breaks_which_rule() -> None:
    def match(rule: str, path: list[Any] | None) -> dict[str, Any]:
        return {"Rule": {"Id": rule}, "Message": "words", "Location": {"Path": path}}

    said = [match("ES6000", ["Resources", "SettleJobDeadLetterQueue", "Properties"]), match("E1001", None)]

    assert cfn_lint_findings(json.dumps(said)) == [
        Finding("ES6000", "SettleJobDeadLetterQueue", "words"),
        Finding("E1001", "", "words"),
    ]


def report(**summary: int) -> str:
    failed = {"check_id": VPC.rule, "resource": f"AWS::Lambda::Function.{VPC.where}", "check_name": VPC.message}
    whole = {"resource_count": 3, "parsing_errors": 0, "skipped": 0, **summary}
    return json.dumps({"summary": whole, "results": {"failed_checks": [failed]}})


def test_checkov_says_which_resource_breaks_which_rule() -> None:
    assert checkov_findings(report(), 3) == [VPC]


@pytest.mark.parametrize(
    "output",
    [
        *(report(resource_count=2), report(parsing_errors=1), report(skipped=1)),
        *('{"passed": 0, "failed": 0, "resource_count": 0}', "[]", "no JSON"),
    ],
)
def test_a_judgement_of_less_than_the_whole_template_is_none(output: str) -> None:
    with pytest.raises(NotJudgedError):
        checkov_findings(output, 3)


def test_a_right_to_everything_in_a_function_of_the_template_is_found() -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    function = {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "CodeUri": "functions/settle_job",
            "Handler": "app.lambda_handler",
            "Runtime": "python3.13",
            "Policies": [{"Version": "2012-10-17", "Statement": [everything]}],
        },
    }
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"SettleJobFunction": function}}

    assert "SettleJobFunctionRole" in {each.where for each in judged_by_checkov(template)}


def test_every_exception_of_the_template_has_a_reason_of_its_own(template: dict[str, Any]) -> None:
    exceptions = template["Metadata"]["Exceptions"]

    assert exceptions
    assert all(len(reason.split()) >= 5 for reason in exceptions.values())
    assert len(set(exceptions.values())) == len(exceptions)


def test_each_route_of_the_api_has_a_limit_for_all_callers_together(transformed: dict[str, Any]) -> None:
    stage = transformed["Resources"]["MusicApiApiGatewayDefaultStage"]["Properties"]

    assert stage["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": {"Ref": "ApiRequestsPerSecond"},
        "ThrottlingBurstLimit": {"Ref": "ApiBurst"},
    }
