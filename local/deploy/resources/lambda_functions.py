"""AWS::Lambda: functions with their layers, versions, aliases and permissions."""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Final

from local.deploy.deployment import FunctionSpec
from local.deploy.layer_packages import packages_of
from local.deploy.resources.resource_type import (
    Created,
    Properties,
    ResourceType,
    S3Location,
    Stack,
    Text,
    UnsupportedValueError,
    arn,
)


class Environment(Properties):
    """A function's environment variables."""

    variables: dict[str, Text]


class FunctionProperties(Properties):
    """A function from a folder; the defaults are Lambda's."""

    function_name: str | None = None
    description: str | None = None
    code: S3Location
    handler: str
    runtime: str
    role: str
    layers: list[str] | None = None
    timeout: int = 3
    memory_size: int = 128
    environment: Environment | None = None
    reserved_concurrent_executions: int | None = None


class LayerVersionProperties(Properties):
    """A layer from a folder."""

    layer_name: str | None = None
    description: str | None = None
    content: S3Location
    compatible_runtimes: list[str] | None = None


class VersionProperties(Properties):
    """A numbered version of a function."""

    function_name: str
    description: str | None = None


class AliasProperties(Properties):
    """A name for a version."""

    function_name: str
    function_version: str
    name: str
    description: str | None = None


class PermissionProperties(Properties):
    """The right to call a function, which is enforced for rules."""

    function_name: str
    """A name or an ARN, which may name an alias."""
    action: str
    principal: str
    source_arn: str | None = None
    source_account: str | None = None


class Destination(Properties):
    """The destination of the record of an asynchronous call."""

    destination: str


class Destinations(Properties):
    """The destinations of the records of asynchronous calls, by outcome."""

    on_success: Destination | None = None
    on_failure: Destination | None = None


class EventInvokeConfigProperties(Properties):
    """The retry policy for asynchronous calls of a function."""

    function_name: str
    qualifier: str
    maximum_event_age_in_seconds: int | None = None
    maximum_retry_attempts: int | None = None
    destination_config: Destinations | None = None


MOST_ENVIRONMENT_BYTES: Final = 4096
"""Lambda's limit for all names and values of a function's variables together."""


@cache
def _empty_archive() -> bytes:
    """Return an empty archive as the emulator's code; the functions run from their folders."""
    archive = io.BytesIO()
    zipfile.ZipFile(archive, "w").close()
    return archive.getvalue()


def _create_function(logical_id: str, properties: FunctionProperties, stack: Stack) -> Created:
    variables = properties.environment.variables if properties.environment else {}
    _refuse_large_environment(variables)
    request = properties.as_request()
    reserved = request.pop("ReservedConcurrentExecutions", None)
    name = request.setdefault("FunctionName", stack.physical_name(logical_id, 64))
    spec = _function_spec(logical_id, name, properties, stack)
    stack.client("lambda").create_function(**{**request, "Code": {"ZipFile": _empty_archive()}})
    if reserved is not None:
        stack.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
    return _as_function(spec)


def _update_function(logical_id: str, properties: FunctionProperties, stack: Stack, before: Created) -> Created:
    """The emulator publishes a version only of a function whose code was written."""
    (spec,) = before.functions
    stack.client("lambda").update_function_code(FunctionName=spec.name, ZipFile=_empty_archive())
    return _as_function(replace(_function_spec(logical_id, spec.name, properties, stack), version=spec.version + 1))


def _as_function(spec: FunctionSpec) -> Created:
    return Created(spec.name, {"Arn": spec.arn}, functions=(spec,))


def _function_spec(logical_id: str, name: str, properties: FunctionProperties, stack: Stack) -> FunctionSpec:
    layer_dirs = tuple(stack.layer_dir(layer) for layer in properties.layers or [])
    return FunctionSpec(
        logical_id=logical_id,
        name=name,
        arn=arn("lambda", f"function:{name}"),
        handler=properties.handler,
        code_dir=stack.artifacts[properties.code.s3_key],
        layer_dirs=layer_dirs,
        packages_dirs=tuple(packages for layer in layer_dirs for packages in packages_of(layer)),
        timeout_s=properties.timeout,
        memory_mb=properties.memory_size,
        environment=properties.environment.variables if properties.environment else {},
        reserved=properties.reserved_concurrent_executions,
        role_arn=properties.role,
    )


def _refuse_large_environment(variables: Mapping[str, str]) -> None:
    size = sum(len(name.encode()) + len(value.encode()) for name, value in variables.items())
    if size > MOST_ENVIRONMENT_BYTES:
        raise UnsupportedValueError(
            "Environment", f"its names and values have {size} bytes; Lambda takes {MOST_ENVIRONMENT_BYTES}"
        )


def _create_layer_version(logical_id: str, properties: LayerVersionProperties, stack: Stack) -> Created:
    request = properties.as_request()
    request.setdefault("LayerName", logical_id)
    published = stack.client("lambda").publish_layer_version(**{**request, "Content": {"ZipFile": _empty_archive()}})
    return Created(published["LayerVersionArn"], layer_dir=stack.artifacts[properties.content.s3_key])


def _create_version(_logical_id: str, properties: VersionProperties, stack: Stack) -> Created:
    version: str = stack.client("lambda").publish_version(**properties.as_request())["Version"]
    function_name = properties.function_name.rsplit(":", 1)[-1]
    return Created(arn("lambda", f"function:{function_name}:{version}"), {"Version": version})


def _update_layer(logical_id: str, properties: LayerVersionProperties, stack: Stack, _before: Created) -> Created:
    return _create_layer_version(logical_id, properties, stack)


def _update_version(logical_id: str, properties: VersionProperties, stack: Stack, _before: Created) -> Created:
    return _create_version(logical_id, properties, stack)


def _create_alias(_logical_id: str, properties: AliasProperties, stack: Stack) -> Created:
    return Created(stack.client("lambda").create_alias(**properties.as_request())["AliasArn"])


def _update_alias(_logical_id: str, properties: AliasProperties, stack: Stack, before: Created) -> Created:
    stack.client("lambda").update_alias(**properties.as_request())
    return before


def _create_permission(logical_id: str, properties: PermissionProperties, stack: Stack) -> Created:
    # The emulator gives a permission to the version or alias that is named apart, and overlooks one in an ARN.
    name, _, qualifier = properties.function_name.rpartition("function:")[-1].partition(":")
    named = {"FunctionName": name, **({"Qualifier": qualifier} if qualifier else {})}
    stack.client("lambda").add_permission(StatementId=logical_id, **{**properties.as_request(), **named})
    return Created(logical_id)


def _create_event_invoke_config(logical_id: str, properties: EventInvokeConfigProperties, stack: Stack) -> Created:
    stack.client("lambda").put_function_event_invoke_config(**properties.as_request())
    return Created(logical_id)


RESOURCE_TYPES: Final = (
    ResourceType(
        "AWS::Lambda::Function", FunctionProperties, _create_function, frozenset({"Arn"}), update=_update_function
    ),
    ResourceType("AWS::Lambda::LayerVersion", LayerVersionProperties, _create_layer_version, update=_update_layer),
    ResourceType(
        "AWS::Lambda::Version", VersionProperties, _create_version, frozenset({"Version"}), update=_update_version
    ),
    ResourceType("AWS::Lambda::Alias", AliasProperties, _create_alias, update=_update_alias),
    ResourceType("AWS::Lambda::Permission", PermissionProperties, _create_permission),
    ResourceType("AWS::Lambda::EventInvokeConfig", EventInvokeConfigProperties, _create_event_invoke_config),
)
