"""The functions of CloudFormation, against the examples of its own reference."""

import json
from dataclasses import replace

import pytest

from local.deploy.intrinsics import IntrinsicError, Reference, Scope, TemplateValue, holds, named_condition, resolve

RESOURCES = {
    Reference("Table"): "stack-Table",
    Reference("Table", "Arn"): "arn:aws:dynamodb:::table/stack-Table",
    Reference("Nested", "Outputs.Url"): "https://nested",
}
SCOPE = Scope(
    parameters={"Stage": "prod", "Hosts": ["a.example", "b.example"], "AWS::Region": "eu-west-1", "Empty": ""},
    conditions={
        "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
        "IsTest": {"Fn::Not": [{"Condition": "IsProd"}]},
        "Circle": {"Fn::And": [{"Condition": "IsProd"}, {"Condition": "Circle"}]},
        "OfAResource": {"Fn::Equals": [{"Ref": "Table"}, "x"]},
    },
    mappings={"Sizes": {"prod": {"Memory": 512}}},
    lookup=RESOURCES.__getitem__,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Stage"}, "prod"),
        ({"Ref": "Hosts"}, ["a.example", "b.example"]),
        ({"Ref": "Table"}, "stack-Table"),
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Fn::GetAtt": "Table.Arn"}, "arn:aws:dynamodb:::table/stack-Table"),
        ({"Fn::GetAtt": ["Table", "Arn"]}, "arn:aws:dynamodb:::table/stack-Table"),
        ({"Fn::GetAtt": "Nested.Outputs.Url"}, "https://nested"),
        (
            {"Fn::Sub": "${Stage}-${Table}-${Table.Arn}-${AWS::Region}"},
            "prod-stack-Table-arn:aws:dynamodb:::table/stack-Table-eu-west-1",
        ),
        ({"Fn::Sub": ["${Name}/${Stage}", {"Name": {"Ref": "Table"}}]}, "stack-Table/prod"),
        ({"Fn::Sub": "${!literal} $ {x} ${Empty}"}, "${literal} $ {x} "),
        ({"Fn::Join": [":", ["a", {"Ref": "Stage"}, 1, True]]}, "a:prod:1:true"),
        ({"Fn::Join": [",", {"Ref": "Hosts"}]}, "a.example,b.example"),
        ({"Fn::Select": ["1", {"Ref": "Hosts"}]}, "b.example"),
        ({"Fn::Select": [0, {"Fn::Split": ["|", "x|y"]}]}, "x"),
        ({"Fn::Split": [",", "a,,b"]}, ["a", "", "b"]),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "Memory"]}, 512),
        ({"Fn::If": ["IsProd", "yes", {"Ref": "NobodyLooksHere"}]}, "yes"),
        ({"Fn::If": ["IsTest", {"Ref": "NobodyLooksHere"}, ["no"]]}, ["no"]),
        ({"a": 1, "b": {"Ref": "AWS::NoValue"}, "c": [{"Ref": "AWS::NoValue"}, 2]}, {"a": 1, "c": [2]}),
        ({"a": {"Fn::If": ["IsTest", "x", {"Ref": "AWS::NoValue"}]}}, {}),
        (
            {"Statement": {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}},
            {"Statement": {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}},
        ),
    ],
)
def test_a_function_gives_what_cloudformation_gives(value: TemplateValue, expected: TemplateValue) -> None:
    assert resolve(value, SCOPE) == expected


def test_to_json_string_writes_resolved_json() -> None:
    written = resolve({"Fn::ToJsonString": {"table": {"Ref": "Table"}, "hosts": {"Ref": "Hosts"}}}, SCOPE)

    assert json.loads(written) == {"table": "stack-Table", "hosts": ["a.example", "b.example"]}


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ({"Fn::ImportValue": "x"}, "Fn::ImportValue is not supported"),
        ({"Fn::Base64": "x"}, "Fn::Base64 is not supported"),
        ({"Fn::Sub": "x", "Other": 1}, "Fn::Sub stands beside other keys (Other)"),
        ({"Ref": "AWS::NotificationARNs"}, "pseudo parameter AWS::NotificationARNs is not supported"),
        ({"Fn::If": ["Unknown", 1, 2]}, "the condition Unknown does not exist"),
        ({"Fn::If": ["IsProd", 1]}, "Fn::If takes a list of 3"),
        ({"Fn::Select": [2, {"Ref": "Hosts"}]}, "Fn::Select has no item 2: the list holds 2"),
        ({"Fn::Select": [0, "text"]}, "Fn::Select takes a list"),
        ({"Fn::FindInMap": ["Sizes", "dev", "Memory"]}, "dev does not exist"),
        ({"Fn::Join": [",", [["nested"]]]}, "expected a string, found a list"),
        ({"Fn::GetAtt": "Table"}, "Fn::GetAtt takes a list of 2"),
        ("{{resolve:ssm:/a/b}}", "dynamic references {{resolve:...}} are not supported"),
    ],
)
def test_what_is_not_supported_fails_and_says_what_was_found(value: TemplateValue, complaint: str) -> None:
    with pytest.raises(IntrinsicError) as refused:
        resolve(value, SCOPE)

    assert complaint in str(refused.value)


def test_all_problems_of_a_value_are_reported_with_their_paths() -> None:
    value = {"Environment": {"A": {"Fn::Base64": "x"}, "B": {"Ref": "Stage"}}, "List": ["fine", {"Fn::Cidr": []}]}

    with pytest.raises(IntrinsicError) as refused:
        resolve(value, SCOPE)

    assert [path for path, _ in refused.value.problems] == ["Environment.A", "List.[1]"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"Fn::Equals": [{"Ref": "Stage"}, "prod"]}, True),
        ({"Fn::Equals": [1, "1"]}, True),
        ({"Fn::Equals": [True, "true"]}, True),
        ({"Fn::Not": [{"Fn::Equals": ["a", "a"]}]}, False),
        ({"Fn::And": [{"Condition": "IsProd"}, {"Condition": "IsTest"}]}, False),
        ({"Fn::Or": [{"Condition": "IsProd"}, {"Condition": "IsTest"}]}, True),
        ({"Fn::Contains": [["dev", "prod"], {"Ref": "Stage"}]}, True),
        ({"Fn::Contains": [["dev"], {"Ref": "Stage"}]}, False),
        ({"Fn::EachMemberIn": [{"Ref": "Hosts"}, ["a.example", "b.example", "c.example"]]}, True),
        ({"Fn::EachMemberIn": [{"Ref": "Hosts"}, ["a.example"]]}, False),
        ({"Fn::EachMemberEquals": [{"Ref": "Hosts"}, "a.example"]}, False),
    ],
)
def test_a_condition_holds_as_in_cloudformation(expression: TemplateValue, expected: bool) -> None:
    assert holds(expression, SCOPE) is expected


def test_an_unknown_condition_function_fails() -> None:
    with pytest.raises(IntrinsicError, match="Fn::RefAll is not supported"):
        holds({"Fn::RefAll": "x"}, SCOPE)


def test_conditions_in_a_circle_are_named() -> None:
    with pytest.raises(IntrinsicError, match="Circle -> Circle"):
        named_condition("Circle", SCOPE)


def test_a_condition_cannot_look_at_a_resource() -> None:
    of_parameters_only = replace(SCOPE, lookup=Scope(parameters={}).lookup)

    with pytest.raises(IntrinsicError, match="refers to Table, but only parameters can be used here"):
        named_condition("OfAResource", of_parameters_only)
