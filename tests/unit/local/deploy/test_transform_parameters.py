"""What a template says about its parameters holds before anything is deployed."""

from typing import Any

import pytest

from local.deploy.parameters import read_parameters
from local.errors import RefusedParameterError, UnknownParameterError, UnsupportedTemplateError, UsageError


def a_template(**parameters: dict[str, Any]) -> dict[str, Any]:
    return {"Parameters": parameters, "Resources": {}}


def test_defaults_are_read_as_ref_gives_them() -> None:
    template = a_template(
        Seconds={"Type": "Number", "Default": 60},
        Flag={"Type": "String", "Default": True},
        Hosts={"Type": "CommaDelimitedList", "Default": "a.example, b.example"},
    )

    assert read_parameters(template, {}) == {"Seconds": "60", "Flag": "true", "Hosts": ["a.example", "b.example"]}


def test_a_given_value_wins_over_the_default() -> None:
    assert read_parameters(a_template(Seconds={"Type": "Number", "Default": 60}), {"Seconds": "5"}) == {"Seconds": "5"}


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    template = a_template(
        MinimaxBaseUrl={"Type": "String", "Default": "x"}, Architecture={"Type": "String", "Default": "x"}
    )

    with pytest.raises(UnknownParameterError) as refused:
        read_parameters(template, {"MinimaxBaseURL": "http://127.0.0.1:1", "Zzz": "1"})

    near, far = str(refused.value).splitlines()
    assert near.startswith("unknown template parameter MinimaxBaseURL: did you mean MinimaxBaseUrl?")
    assert far == "unknown template parameter Zzz: The template has Architecture, MinimaxBaseUrl"
    assert refused.value.exit_code == UsageError.exit_code == 2


@pytest.mark.parametrize(
    ("declaration", "value", "expected"),
    [
        ({"Type": "String", "AllowedValues": ["arm64", "x86_64"]}, "mips", "one of arm64, x86_64"),
        ({"Type": "Number", "AllowedValues": [1, 3]}, "2", "one of 1, 3"),
        ({"Type": "String", "AllowedPattern": "^https?://[a-z.]+$"}, "http://a.example/path", "a value that matches"),
        ({"Type": "String", "AllowedPattern": "[a-z]+"}, "abc9", "a value that matches"),
        ({"Type": "String", "MinLength": 3}, "ab", "at least 3 characters"),
        ({"Type": "String", "MaxLength": "3"}, "abcd", "at most 3 characters"),
        ({"Type": "Number"}, "ten", "a number"),
        ({"Type": "Number"}, "", "a number"),
        ({"Type": "Number"}, "nan", "a number"),
        ({"Type": "Number", "MinValue": 1}, "0", "at least 1"),
        ({"Type": "Number", "MaxValue": 900}, "901", "at most 900"),
        ({"Type": "List<Number>", "MinValue": 1}, "1, 0", "at least 1"),
        ({"Type": "String", "MinLength": 3, "ConstraintDescription": "a longer name"}, "ab", "a longer name"),
    ],
)
def test_a_value_that_breaks_a_constraint_is_refused(declaration: dict[str, Any], value: str, expected: str) -> None:
    with pytest.raises(RefusedParameterError) as refused:
        read_parameters(a_template(Limit=declaration), {"Limit": value})

    assert str(refused.value).startswith(f"parameter Limit: expected {expected}")
    assert ", found " in str(refused.value)


@pytest.mark.parametrize(
    ("declaration", "value"),
    [
        ({"Type": "Number", "MinValue": 1, "MaxValue": 900}, "900"),
        ({"Type": "Number", "MinValue": 1}, "1.5"),
        ({"Type": "String", "AllowedPattern": "[a-z]*", "MaxLength": 3}, "abc"),
        ({"Type": "String"}, ""),
    ],
)
def test_a_value_on_the_edge_of_what_is_allowed_passes(declaration: dict[str, Any], value: str) -> None:
    assert read_parameters(a_template(Limit=declaration), {"Limit": value}) == {"Limit": value}


def test_a_value_is_no_longer_than_cloudformation_takes() -> None:
    template = a_template(Text={"Type": "String"})

    assert read_parameters(template, {"Text": "x" * 4096}) == {"Text": "x" * 4096}
    with pytest.raises(RefusedParameterError, match="parameter Text: expected at most 4096 bytes"):
        read_parameters(template, {"Text": "x" * 4095 + "ü"})


def test_every_refused_value_is_reported() -> None:
    template = a_template(First={"Type": "Number"}, Second={"Type": "Number", "MinValue": 1}, Third={"Type": "String"})

    with pytest.raises(RefusedParameterError) as refused:
        read_parameters(template, {"First": "x", "Second": "0"})

    assert [line.split(":")[0] for line in str(refused.value).splitlines()] == [
        "parameter First",
        "parameter Second",
        "parameter Third",
    ]


def test_a_secret_value_is_not_shown() -> None:
    template = a_template(Key={"Type": "String", "NoEcho": True, "MinLength": 40})

    with pytest.raises(RefusedParameterError) as refused:
        read_parameters(template, {"Key": "sk-canary"})

    assert "canary" not in str(refused.value)


def test_a_parameter_type_that_only_aws_can_read_is_unsupported() -> None:
    with pytest.raises(UnsupportedTemplateError, match=r"parameter Image: the type AWS::SSM::Parameter::Value<String>"):
        read_parameters(a_template(Image={"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/x"}), {})


TRUST_RULE = {
    "Rules": {
        "TrustOnlyLocally": {
            "RuleCondition": {"Fn::Not": [{"Fn::Equals": [{"Ref": "TrustedLocalOrigins"}, ""]}]},
            "Assertions": [
                {
                    "Assert": {"Fn::Contains": [["test", "local"], {"Ref": "Stage"}]},
                    "AssertDescription": "Local origins are trusted only in a test stack",
                }
            ],
        }
    },
    **a_template(
        TrustedLocalOrigins={"Type": "String", "Default": ""},
        Stage={"Type": "String", "Default": "prod"},
    ),
}


def test_a_combination_that_a_rule_forbids_is_refused_in_the_rules_words() -> None:
    with pytest.raises(RefusedParameterError) as refused:
        read_parameters(TRUST_RULE, {"TrustedLocalOrigins": "http://127.0.0.1:1"})

    assert str(refused.value) == "rule TrustOnlyLocally: Local origins are trusted only in a test stack"


@pytest.mark.parametrize("given", [{}, {"TrustedLocalOrigins": "http://127.0.0.1:1", "Stage": "test"}])
def test_a_combination_that_the_rules_allow_passes(given: dict[str, str]) -> None:
    assert read_parameters(TRUST_RULE, given)["Stage"] == given.get("Stage", "prod")


def test_a_rule_that_queries_aws_is_unsupported() -> None:
    rules = {"Rules": {"Asks": {"Assertions": [{"Assert": {"Fn::RefAll": "AWS::EC2::VPC::Id"}}]}}}

    with pytest.raises(UnsupportedTemplateError, match="rule Asks: the condition function Fn::RefAll is not supported"):
        read_parameters({**a_template(), **rules}, {})
