"""Checks a deployment's parameters as CloudFormation, the custom resource and functions will, without an account."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from fermata import config
from fermata.domain.catalogue.models import Catalogue, read_catalogue
from fermata.domain.catalogue.operator_settings import GivenSettings, read_settings
from fermata.errors import ConfigurationError, FermataError
from local.deploy.function_settings import SETTINGS_OF_FUNCTIONS
from local.deploy.intrinsics import ParameterValue
from local.deploy.parameters import read_parameters
from local.deploy.transform import read_template
from local.errors import LocalCloudError
from tooling.preflight.findings import Finding, fine, refused

ROOT: Final = Path(__file__).resolve().parents[2]
ENVIRONMENTS: Final = ("dev", "stage", "prod")
_FALLBACKS: Final = "DefaultFallbacks"
Values = Mapping[str, ParameterValue]


def given_parameters(environment: str, own: str, samconfig: Path = ROOT / "samconfig.toml") -> dict[str, str]:
    """The parameters that a deployment is given: those of its environment in the file, and over them those of `own`,
    both as `Name=Value` separated by spaces. Raises `ValueError` for what has no such form.
    """
    sections = tomllib.loads(samconfig.read_text("utf-8"))
    text = sections.get(environment, {}).get("deploy", {}).get("parameters", {}).get("parameter_overrides", "")
    return {**_pairs(text), **_pairs(own)}


def _pairs(text: str) -> dict[str, str]:
    pairs = {}
    for pair in text.split():
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise ValueError(f"expected Name=Value, found {pair!r}; write JSON without spaces")
        pairs[name] = value
    return pairs


def read_values(given: Mapping[str, str], template: Mapping[str, Any]) -> Values | Finding:
    """The value of every parameter, or why CloudFormation would refuse them."""
    try:
        return read_parameters(template, given)
    except LocalCloudError as error:
        return refused(str(error))


def parameter_findings(given: Mapping[str, str], template_path: Path = ROOT / "template.yaml") -> list[Finding]:
    """What is wrong with the parameters; one finding that says so where nothing is."""
    template = read_template(template_path)
    values = read_values(given, template)
    if isinstance(values, Finding):
        return [values]
    catalogue = read_catalogue()
    found = [
        *_operator_settings(values, catalogue),
        *_fallbacks(values, catalogue),
        *_functions(values, template),
    ]
    changed = ", ".join(sorted(given)) or "none, so every default"
    return found or [fine(f"parameters are in range and go together (given: {changed})")]


def _operator_settings(values: Values, catalogue: Catalogue) -> Iterator[Finding]:
    """What the custom resource would refuse: JSON with unknown names, or values out of bounds."""
    texts = {name: str(value) for name, value in values.items()}
    names = {"base_url": "BaseUrl", "rpm": "Rpm", "concurrency": "Concurrency", "daily_budget_usd": "DailyBudgetUsd"}
    single = {
        provider: {setting: texts.get(f"{provider.title()}{name}", "") for setting, name in names.items()}
        for provider in catalogue.providers
    }
    given = GivenSettings(texts["ProviderSettings"], texts["ModelLatencyPriors"], texts["PriceOverrides"], single)
    trusted = [origin for origin in texts["TrustedLocalOrigins"].split(",") if origin]
    try:
        read_settings(given, catalogue, trusted)
    except FermataError as error:
        yield refused(str(error))


def _fallbacks(values: Values, catalogue: Catalogue) -> Iterator[Finding]:
    """Unknown models in the fallbacks, which no deployment reads before the first order."""
    try:
        chains = json.loads(str(values[_FALLBACKS]))
        named = {*chains, *(model for chain in chains.values() for model in chain)}
    except (ValueError, AttributeError, TypeError):
        yield refused(f"{_FALLBACKS}: expected a JSON object with a list of models per model")
        return
    missing = sorted(name for name in named if catalogue.find(name) is None)
    if missing:
        yield refused(f"{_FALLBACKS}: the catalogue lacks {', '.join(missing)}")


def _functions(values: Values, template: Mapping[str, Any]) -> Iterator[Finding]:
    """Pairs of parameters that a function would refuse at its first call."""
    for logical_id, settings in SETTINGS_OF_FUNCTIONS.items():
        try:
            config.load(settings, _environment(template, logical_id, values))
        except ConfigurationError as error:
            yield refused(f"{logical_id} would not start: {error}")


def _environment(template: Mapping[str, Any], logical_id: str, values: Values) -> dict[str, str]:
    """A function's variables, with a word in the place of everything that only a deployment knows."""
    sections = (template["Globals"]["Function"], template["Resources"][logical_id]["Properties"])
    variables: dict[str, Any] = {}
    for section in sections:
        variables |= section.get("Environment", {}).get("Variables", {})
    # A moment, where every other answer of a custom resource is a word.
    return {name: _as_variable(value, values) for name, value in variables.items()} | {"TABLE_RESTORED_AT": ""}


def _as_variable(value: Any, values: Values) -> str:  # noqa: ANN401 - any intrinsic of a template
    if isinstance(value, Mapping):
        found = values.get(value.get("Ref", ""), "deployed")
        return ",".join(found) if isinstance(found, list) else str(found)
    return str(value)
