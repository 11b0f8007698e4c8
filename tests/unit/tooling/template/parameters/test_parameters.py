"""CloudFormation refuses a value out of range of any parameter, before it creates anything."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from local.deploy.parameters import read_parameters
from local.deploy.transform import read_template
from local.errors import RefusedParameterError

pytestmark = pytest.mark.check

PARAMETERS: Mapping[str, Mapping[str, Any]] = read_template(Path(__file__).parents[5] / "template.yaml")["Parameters"]
NUMBERS = [name for name, each in PARAMETERS.items() if each["Type"] == "Number"]
TEXTS = [name for name in PARAMETERS if name not in NUMBERS]
NONSENSE = "nonsense, ?"


def outside(parameter: Mapping[str, Any]) -> list[str]:
    """Values just outside of what a number may be."""
    if "AllowedValues" in parameter:
        allowed = parameter["AllowedValues"]
        return [str(value) for value in (min(allowed) - 1, max(allowed) + 1) if value not in allowed]
    return [str(parameter["MinValue"] - 1), str(parameter["MaxValue"] + 1)]


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_has_two_bounds_and_beyond_them_is_refused(name: str, template: dict[str, Any]) -> None:
    for value in [*outside(PARAMETERS[name]), "nonsense", ""]:
        with pytest.raises(RefusedParameterError, match=name):
            read_parameters(template, {name: value})


@pytest.mark.parametrize("name", NUMBERS)
def test_a_bound_itself_is_allowed(name: str, template: dict[str, Any]) -> None:
    parameter = PARAMETERS[name]
    for value in parameter.get("AllowedValues") or [parameter["MinValue"], parameter["MaxValue"]]:
        assert read_parameters(template, {name: str(value)})[name] == str(value)


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_nothing_could_be_made_of_is_refused(name: str, template: dict[str, Any]) -> None:
    with pytest.raises(RefusedParameterError, match=name):
        read_parameters(template, {name: NONSENSE})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RequesterAccountIds", "123456789012, 210987654321"),
        ("TrustedLocalOrigins", "http://127.0.0.1:9000,http://[::1]:9000"),
        ("TrustedWebhookOrigins", "http://127.0.0.1:*,http://localhost:*,http://[::1]:*"),
        ("ExtraAudioHosts", ".example.com, cdn.example.org"),
        ("ProviderSettings", '{"minimax": {"rpm": 60},\n "aimlapi": {"rpm": 1}}'),
        ("CorsAllowedOrigins", "https://shop.example"),
    ],
)
def test_a_text_as_an_operator_writes_it_is_allowed(name: str, value: str, template: dict[str, Any]) -> None:
    assert name in read_parameters(template, {name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RequesterAccountIds", "123456789012,12345678901"),
        ("TrustedLocalOrigins", "http://127.0.0.1:*"),
        ("TrustedLocalOrigins", "127.0.0.1:9000"),
        ("TrustedWebhookOrigins", "https://example.com/hook"),
        ("ExtraAudioHosts", "https://example.com"),
        ("PriceOverrides", "[]"),
        ("DefaultFallbacks", ""),
    ],
)
def test_a_text_of_another_shape_is_refused(name: str, value: str, template: dict[str, Any]) -> None:
    with pytest.raises(RefusedParameterError, match=name):
        read_parameters(template, {name: value})
