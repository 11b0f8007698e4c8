"""The console is a part of the stack that an operator may leave out, with all that belongs to it."""

from pathlib import Path
from typing import Any, Final

import pytest

from local.deploy.intrinsics import Reference, Scope, named_condition, resolve
from local.deploy.transform import package, read_template, to_cloudformation

pytestmark = pytest.mark.check

Json = dict[str, Any]
PSEUDO_PARAMETERS: Final = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackName": "fermata",
    "AWS::URLSuffix": "amazonaws.com",
}


def deployed(root: Path, enabled: str) -> Json:
    """What CloudFormation creates where the parameter has this value, by logical id."""
    template = read_template(root / "template.yaml")
    given = {name: str(parameter.get("Default", "")) for name, parameter in template["Parameters"].items()}
    given["ConsoleEnabled"] = enabled
    transformed = to_cloudformation(package(template, root, built=False).template, given)
    scope = Scope({**given, **PSEUDO_PARAMETERS}, transformed["Conditions"], {}, _name_of)
    wanted = {
        name: resource
        for name, resource in transformed["Resources"].items()
        if "Console" in name or name.startswith("MusicApi")
    }
    return {
        name: resolve(resource["Properties"], scope)
        for name, resource in wanted.items()
        if "Condition" not in resource or named_condition(resource["Condition"], scope)
    }


def _name_of(reference: Reference) -> str:
    return f"{reference.logical_id}.{reference.attribute or 'Ref'}"


def routes(stack: Json) -> set[str]:
    paths = stack["MusicApi"]["Body"]["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods if "console" in path}


def test_without_the_console_nothing_of_it_is_deployed(root: Path) -> None:
    stack = deployed(root, "false")
    assert [name for name in stack if "Console" in name] == []
    assert routes(stack) == set()
    assert not any("console" in route for route in stack["MusicApiApiGatewayDefaultStage"]["RouteSettings"])


@pytest.mark.parametrize("console", ["true", "false"])
def test_each_route_without_a_key_has_a_limit_of_its_own(root: Path, console: str) -> None:
    stack = deployed(root, console)
    body = stack["MusicApi"]["Body"]["paths"]
    limits = stack["MusicApiApiGatewayDefaultStage"]["RouteSettings"]
    open_routes = {
        f"{method.upper()} {path}"
        for path, methods in body.items()
        for method, route in methods.items()
        if route.get("security") == [{"NONE": []}] and path != "/$default"
    }
    assert set(limits) == open_routes
    assert routes(stack) <= open_routes
    for limit in limits.values():
        assert 0 < int(limit["ThrottlingRateLimit"]) <= int(limit["ThrottlingBurstLimit"]) <= 400


def test_the_console_has_no_right_but_to_write_its_log(root: Path) -> None:
    role = deployed(root, "true")["ServeConsoleFunctionRole"]
    assert "Policies" not in role
    assert [str(arn).rpartition("/")[2] for arn in role["ManagedPolicyArns"]] == ["AWSLambdaBasicExecutionRole"]


def test_the_page_plays_from_the_bucket_whose_links_are_signed(root: Path) -> None:
    variables = deployed(root, "true")["ServeConsoleFunction"]["Environment"]["Variables"]
    assert variables["AUDIO_ORIGIN"] == "https://AudioBucket.RegionalDomainName"
