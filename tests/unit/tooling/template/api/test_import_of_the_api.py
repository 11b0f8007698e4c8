"""API Gateway imports the API from a document, and refuses it whole where it has a warning about it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.deploy.intrinsics import Scope, resolve
from local.deploy.parameters import read_parameters
from local.deploy.transform import package, read_template, to_cloudformation

pytestmark = pytest.mark.check

PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "eu-west-1", "AWS::AccountId": "1", "AWS::StackName": "fermata"}


def imported(root: Path, **given: str) -> dict[str, Any]:
    """The body of the API as CloudFormation hands it to the import, where every `Ref` has become text."""
    template = read_template(root / "template.yaml")
    values = read_parameters(template, given)
    transformed = to_cloudformation(package(template, root, built=False).template, values)
    body = transformed["Resources"]["MusicApi"]["Properties"]["Body"]["components"]["securitySchemes"]
    found: dict[str, Any] = resolve(
        {
            name: scheme["x-amazon-apigateway-authorizer"]["authorizerResultTtlInSeconds"]
            for name, scheme in body.items()
        },
        Scope({**values, **PSEUDO}, transformed["Conditions"], {}),
    )
    return found


def refs_to_parameters(value: Any, parameters: set[str]) -> Iterator[str]:  # noqa: ANN401 - any part of a template
    if isinstance(value, dict):
        if value.get("Ref") in parameters:
            yield value["Ref"]
        for inner in value.values():
            yield from refs_to_parameters(inner, parameters)
    if isinstance(value, list):
        for inner in value:
            yield from refs_to_parameters(inner, parameters)


def test_every_allowed_time_of_the_authorizer_is_imported_as_that_number(root: Path, template: dict[str, Any]) -> None:
    for seconds in template["Parameters"]["AuthorizerTtlSeconds"]["AllowedValues"]:
        (ttl,) = imported(root, AuthorizerTtlSeconds=str(seconds)).values()

        assert (ttl, type(ttl)) == (seconds, int)


def test_no_number_of_the_imported_document_is_a_parameter(
    transformed: dict[str, Any], template: dict[str, Any]
) -> None:
    numbers = {name for name, parameter in template["Parameters"].items() if parameter["Type"] == "Number"}
    apis = [each for each in transformed["Resources"].values() if each["Type"] == "AWS::ApiGatewayV2::Api"]

    assert len(apis) == 2
    assert list(refs_to_parameters([api["Properties"]["Body"] for api in apis], numbers)) == []
