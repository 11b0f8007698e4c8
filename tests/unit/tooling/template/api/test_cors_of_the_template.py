"""Which pages may call the API is a parameter, and what they may send and read is what the document has."""

from pathlib import Path
from typing import Any

import pytest

from local.deploy.intrinsics import Scope, resolve
from local.deploy.parameters import read_parameters
from local.deploy.transform import package, read_template, to_cloudformation
from tooling.openapi.operations import OPERATIONS
from tooling.openapi.parameters import HEADERS, PARAMETERS

pytestmark = pytest.mark.check

Cors = dict[str, Any] | None


def cors_for(origins: str, root: Path) -> Cors:
    """What API Gateway is given where the parameter has this value; None for nothing."""
    template = read_template(root / "template.yaml")
    defaults = {name: str(parameter.get("Default", "")) for name, parameter in template["Parameters"].items()}
    given = {**defaults, "CorsAllowedOrigins": origins}
    transformed = to_cloudformation(package(template, root, built=False).template, given)
    body = transformed["Resources"]["MusicApi"]["Properties"]["Body"]
    scope = Scope({"CorsAllowedOrigins": origins}, {"PagesMayCall": transformed["Conditions"]["PagesMayCall"]})
    found: dict[str, Any] = resolve({"cors": body["x-amazon-apigateway-cors"]}, scope)
    return found.get("cors")


def test_without_origins_there_is_no_configuration(root: Path) -> None:
    assert cors_for("", root) is None


def test_pages_may_use_every_route_and_read_every_header_of_the_document(root: Path) -> None:
    cors = cors_for("https://app.example.com,http://localhost:5173", root)
    assert cors is not None
    assert cors["allowOrigins"] == ["https://app.example.com", "http://localhost:5173"]
    assert set(cors["allowMethods"]) == {operation.method for operation in OPERATIONS}
    sent = {each["name"].lower() for each in PARAMETERS.values() if each["in"] == "header"}
    assert set(cors["allowHeaders"]) == {"authorization", "content-type", *sent}
    assert set(cors["exposeHeaders"]) == {name.lower() for name in HEADERS}


@pytest.mark.parametrize(
    "origins",
    ["https://app.example.com/", "app.example.com", "https://*.example.com", "https://a,", "https://a, https://b"],
)
def test_what_no_browser_sends_as_an_origin_is_refused_at_deployment(origins: str, root: Path) -> None:
    template = read_template(root / "template.yaml")
    declared = {"Parameters": {"CorsAllowedOrigins": template["Parameters"]["CorsAllowedOrigins"]}}
    with pytest.raises(Exception, match="CorsAllowedOrigins"):
        read_parameters(declared, {"CorsAllowedOrigins": origins})
    for right in ("", "*", "https://a", "https://a,http://b:8080"):
        read_parameters(declared, {"CorsAllowedOrigins": right})


def test_a_link_works_for_fifteen_minutes_by_default_and_never_for_more_than_an_hour(
    template: dict[str, Any],
) -> None:
    ttl = template["Parameters"]["LinkTtlSeconds"]
    assert (ttl["Default"], ttl["MinValue"], ttl["MaxValue"]) == (900, 1, 3600)
