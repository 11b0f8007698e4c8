"""Signing is off by default: then no function has the library, no secret exists, and nobody may read one."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.deploy.transform import package, read_template, to_cloudformation
from tests.support.rights import rights_of

pytestmark = pytest.mark.check

Template = dict[str, Any]
SIGNED = "SongsAreSigned"
SECRET = {"Ref": "SigningSecret"}


@pytest.fixture(scope="module")
def signing(root: Path) -> Template:
    """What AWS makes of the resources with `Marking=c2pa`."""
    template = read_template(root / "template.yaml")
    values = {name: str(parameter.get("Default", "")) for name, parameter in template["Parameters"].items()}
    made = to_cloudformation(package(template, root, built=False).template, {**values, "Marking": "c2pa"})
    return dict(made["Resources"])


def test_the_layer_and_the_secret_exist_only_where_songs_are_signed(resources: Template, template: Template) -> None:
    conditional = {name for name, resource in resources.items() if resource.get("Condition") == SIGNED}
    assert conditional == {"C2paLayer", "SigningSecret", "ReadSigningKeyPolicy"}
    assert template["Conditions"][SIGNED] == {"Fn::Equals": [{"Ref": "Marking"}, "c2pa"]}
    assert template["Parameters"]["Marking"]["Default"] == "tags"


def test_sam_build_leaves_the_layer_alone(resources: Template) -> None:
    assert "BuildMethod" not in resources["C2paLayer"].get("Metadata", {})


def test_exactly_the_function_that_stores_songs_has_the_layer_and_may_read_the_key(signing: Template) -> None:
    def names(part: str) -> set[str]:
        functions = {name: each for name, each in signing.items() if each["Type"] == "AWS::Lambda::Function"}
        return {name for name, each in functions.items() if part in json.dumps(each["Properties"].get("Layers"))}

    assert names("C2paLayer") == {"StoreAudioFunction"}
    readers = {
        name: rights for name, rights in rights_of(signing).items() if SECRET in [may["Resource"] for may in rights]
    }
    assert {*readers} == {"StoreAudioFunction"}
    variables = signing["StoreAudioFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["SIGNING_SECRET_ARN"] == {"Fn::If": [SIGNED, SECRET, ""]}
