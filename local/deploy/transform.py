"""Transforms AWS SAM to CloudFormation offline, as `sam package` and the AWS service do."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3
import yaml

# The translator has no types here, so its results are loosely typed.
from samtranslator.internal.managed_policies import get_bundled_managed_policy_map
from samtranslator.metrics.metrics import DummyMetricsPublisher, Metrics
from samtranslator.model.exceptions import ExceptionWithMessage, InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import intrinsics_multi_constructor

from local.deploy.deployment import REGION
from local.deploy.intrinsics import ParameterValue, TemplateValue
from local.errors import UnsupportedTemplateError, UsageError

PACKAGE_BUCKET: Final = "local-package"
"""Name of a bucket that never exists, because packaged artifacts stay on disk."""

_ARTIFACT_PROPERTIES: Final = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
}


class _Loader(yaml.CSafeLoader):
    """The translator's parser for short forms, on libyaml, which takes a tenth of the time."""


_Loader.add_multi_constructor("!", intrinsics_multi_constructor)


@dataclass(frozen=True)
class Package:
    """A template with `s3://` URIs for its artifacts, the path of each artifact by key, and the missing artifacts."""

    template: dict[str, TemplateValue]
    artifacts: Mapping[str, Path]
    missing: Mapping[str, str]
    """A line for the user about each missing artifact, by logical id."""


def read_template(path: Path) -> dict[str, TemplateValue]:
    """Parse a template file with CloudFormation's short forms (`!Ref`)."""
    try:
        template = yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader
    except OSError as error:
        raise UsageError(f"cannot read the template {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise UnsupportedTemplateError([f"{path.name} is not YAML: {' '.join(str(error).split())}"]) from error
    if not isinstance(template, dict) or not isinstance(template.get("Resources"), dict):
        raise UnsupportedTemplateError([f"{path.name}: expected a map with a Resources section"])
    malformed = [name for name, resource in template["Resources"].items() if not _is_resource(resource)]
    if malformed:
        raise UnsupportedTemplateError(
            f"{name}: expected a map with a Type and a map of Properties" for name in malformed
        )
    return template


def _is_resource(value: TemplateValue) -> bool:
    if not isinstance(value, dict):
        return False
    return isinstance(value.get("Type"), str) and isinstance(value.get("Properties", {}), dict)


def package(template: dict[str, TemplateValue], base: Path, *, built: bool) -> Package:
    """Replace paths relative to `base` with `s3://` URIs as `sam package` does; SAM built layers into `python`."""
    artifacts: dict[str, Path] = {}
    missing: dict[str, str] = {}
    resources = dict(template["Resources"])
    for logical_id, resource in resources.items():
        name = _ARTIFACT_PROPERTIES.get(resource.get("Type", ""))
        if name is None:
            continue
        uri = resource.get("Properties", {}).get(name)
        found = _artifact(base, uri, "python" if built and _is_built_layer(resource) else "")
        if found is None:
            label = f"{logical_id} ({resource['Type']}) {name}"
            missing[logical_id] = f"{label}: expected a path that exists below {base}, found {uri!r}"
        else:
            artifacts[logical_id] = found
        properties = {**resource.get("Properties", {}), name: f"s3://{PACKAGE_BUCKET}/{logical_id}"}
        resources[logical_id] = {**resource, "Properties": properties}
    return Package({**template, "Resources": resources}, artifacts, missing)


def _is_built_layer(resource: Mapping[str, Any]) -> bool:
    return resource["Type"] == "AWS::Serverless::LayerVersion" and "BuildMethod" in resource.get("Metadata", {})


def _artifact(base: Path, uri: TemplateValue, below: str) -> Path | None:
    path = (base / uri / below).resolve() if isinstance(uri, str) else None
    return path if path and path.exists() else None


def to_cloudformation(template: dict[str, TemplateValue], parameters: Mapping[str, ParameterValue]) -> dict[str, Any]:
    """Run AWS's own SAM transform over a packaged template; it resolves some of the parameters itself."""
    # By default the translator logs a warning about metrics that it never sent to AWS.
    metrics = Metrics("local", DummyMetricsPublisher())
    translator = Translator(None, Parser(), boto_session=boto3.Session(region_name=REGION), metrics=metrics)
    try:
        translated: dict[str, Any] = translator.translate(
            # The translator changes the template that it receives.
            copy.deepcopy(template),
            dict(parameters),
            get_managed_policy_map=lambda: get_bundled_managed_policy_map("aws") or {},
        )
    except ExceptionWithMessage as error:
        raise UnsupportedTemplateError(_causes(error)) from error
    finally:
        metrics.publish()
    return translated


def _causes(error: ExceptionWithMessage) -> Iterator[str]:
    for cause in error.causes if isinstance(error, InvalidDocumentException) else [error]:
        yield f"AWS SAM refuses the template: {cause.message}"
