"""What an operator sets reaches the functions that read it and no others, and no function knows a single provider."""

from typing import Any

import pytest

from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.providers.settings import ProviderChanges
from tests.support.rights import Statement

pytestmark = pytest.mark.check

Template = dict[str, Any]
VERSION = {"Fn::GetAtt": ["OperatorSettings", "Version"]}
WITH_PARAMETERS = {"minimax", "skillboss", "apiinone", "aimlapi"}
"""The providers that had parameters of their own before there was one for all; none is added."""


def _variables(resources: Template) -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"].get("Environment", {}).get("Variables", {})
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Lambda::Function"
    }


def _who_may(rights: dict[str, list[Statement]], action: str) -> set[str]:
    keys = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["SETTINGS"]}}
    return {
        name
        for name, statements in rights.items()
        for statement in statements
        if statement.get("Condition") == keys and action in statement["Action"]
    }


def test_exactly_the_functions_that_are_given_the_version_may_read_it(
    transformed: Template, rights: dict[str, list[Statement]]
) -> None:
    variables = _variables(transformed["Resources"])
    readers = {name for name, given in variables.items() if given.get("SETTINGS_VERSION") == VERSION}

    assert len(readers) == 11
    assert _who_may(rights, "dynamodb:GetItem") == readers
    assert {name for name, given in variables.items() if "SETTINGS_VERSION" in given} == readers


def test_one_function_writes_the_settings(rights: dict[str, list[Statement]]) -> None:
    for action in ("dynamodb:PutItem", "dynamodb:DeleteItem"):
        assert _who_may(rights, action) == {"ValidateSettingsFunction"}


def test_no_functions_environment_names_a_provider(transformed: Template) -> None:
    names = [variable for given in _variables(transformed["Resources"]).values() for variable in given]

    assert names
    assert [name for name in names if any(provider.upper() in name for provider in read_catalogue().providers)] == []


def test_no_provider_gets_parameters_of_its_own_any_more(resources: Template, template: Template) -> None:
    single = resources["OperatorSettings"]["Properties"]["SingleSettings"]
    suffixes = {"base_url": "BaseUrl", "rpm": "Rpm", "concurrency": "Concurrency", "daily_budget_usd": "DailyBudgetUsd"}

    assert single == {
        provider: {name: {"Ref": f"{provider.capitalize()}{suffix}"} for name, suffix in suffixes.items()}
        for provider in WITH_PARAMETERS
    }
    assert set(suffixes) == set(ProviderChanges.model_fields)
    parameters = {reference["Ref"] for settings in single.values() for reference in settings.values()}
    assert {template["Parameters"][name]["Default"] for name in parameters} == {""}


def test_settings_are_checked_again_when_the_catalogue_changes(transformed: Template) -> None:
    layer = transformed["Resources"]["OperatorSettings"]["Properties"]["Layer"]["Ref"]

    assert transformed["Resources"][layer]["Type"] == "AWS::Lambda::LayerVersion"


def test_the_budget_of_every_provider_is_watched(resources: Template) -> None:
    """An alarm that names no provider watches each, also one that only a later catalogue has."""
    alarm = resources["ProviderBudgetAlarm"]["Properties"]

    [query] = alarm["Metrics"]
    assert query["Expression"]["Fn::Sub"].startswith(
        'SELECT MAX(ProviderBudgetUsed) FROM SCHEMA("Fermata", stack, provider) '
        "WHERE stack = '${AWS::StackName}' GROUP BY provider"
    )
    before = {
        name: resource["Properties"]
        for name, resource in resources.items()
        if resource.get("Properties", {}).get("MetricName") == "ProviderBudgetUsed"
    }
    assert {alarm["Dimensions"][1]["Value"] for alarm in before.values()} == WITH_PARAMETERS
    for each in before.values():
        assert {name: each[name] for name in _JUDGED} == {name: alarm[name] for name in _JUDGED}


_JUDGED = ("Threshold", "ComparisonOperator", "EvaluationPeriods", "TreatMissingData")
