"""What is ignored is ignored on purpose: each entry exists in CloudFormation, is not handled, and has a reason."""

import json
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped] # cfn-lint ships no types
from pydantic import ValidationError

from local.deploy.ignored_properties import ignored_properties, without_ignored
from local.deploy.resources import RESOURCE_TYPES

PATHS = [(name, path) for name, paths in ignored_properties().items() for path in paths]
REASONS = [reason for paths in ignored_properties().values() for reason in paths.values()]


def cloudformation_properties(type_name: str) -> set[str]:
    """Return the properties that CloudFormation's own schema gives a type; raises when there is no such type."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-west-1", type_name)
    return set(schema.schema["properties"])


@pytest.mark.parametrize(("type_name", "path"), PATHS)
def test_an_ignored_property_exists_in_cloudformation(type_name: str, path: str) -> None:
    properties = cloudformation_properties(type_name)

    assert path == "*" or path.partition(".")[0] in properties


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_is_a_sentence(reason: str) -> None:
    assert reason[0].isupper()
    assert reason.endswith(".")
    assert len(reason.split()) >= 5


@pytest.mark.parametrize(("type_name", "path"), PATHS)
def test_an_ignored_property_is_not_handled_as_well(type_name: str, path: str) -> None:
    if path == "*":
        assert type_name not in RESOURCE_TYPES
        return
    properties: Any = "anything"
    for key in reversed(path.replace("*", "any").split(".")):
        properties = {key: properties}

    with pytest.raises(ValidationError) as refused:
        RESOURCE_TYPES[type_name].properties.model_validate(properties)

    unknown = [error["loc"] for error in refused.value.errors() if error["type"] == "extra_forbidden"]
    assert unknown == [tuple(path.replace("*", "any").split("."))]


@pytest.mark.parametrize("type_name", sorted(RESOURCE_TYPES))
def test_a_supported_type_has_only_properties_of_cloudformation(type_name: str) -> None:
    known = cloudformation_properties(type_name)

    handled = {field.alias for field in RESOURCE_TYPES[type_name].properties.model_fields.values()}

    assert handled <= known


def test_leaving_out_follows_each_key_that_a_star_stands_for() -> None:
    body = {"info": {}, "paths": {"/a": {"get": {"responses": {}, "uri": "x"}}, "/b": {"post": {"parameters": []}}}}

    kept = without_ignored("AWS::ApiGatewayV2::Api", {"Body": body, "FailOnWarnings": True})

    assert kept == {"Body": {"paths": {"/a": {"get": {"uri": "x"}}, "/b": {"post": {}}}}}


def test_a_type_without_entries_keeps_everything() -> None:
    assert without_ignored("AWS::SSM::Parameter", {"Value": "x"}) == {"Value": "x"}


def test_no_entry_is_written_twice() -> None:
    def refuse_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        assert len(names) == len(set(names)), names
        return dict(pairs)

    path = Path(__file__).parents[4] / "local" / "deploy" / "ignored_properties.json"
    assert json.loads(path.read_text("utf-8"), object_pairs_hook=refuse_repeats)
