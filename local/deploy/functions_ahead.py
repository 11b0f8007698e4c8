"""The functions of a stack before it exists, as far as they are known then: their code, layers and plain variables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from local.deploy.deployment import FunctionSpec
from local.deploy.intrinsics import IntrinsicError, Scope, TemplateValue, resolve
from local.deploy.layer_packages import packages_of

_FUNCTION = "AWS::Lambda::Function"


def functions_ahead(
    resources: Mapping[str, Mapping[str, TemplateValue]], scope: Scope, artifacts: Mapping[str, Path]
) -> list[FunctionSpec]:
    """Return the functions of a checked plan, for whoever imports their modules while the stack is created. They lack
    the variables that name a resource. One that cannot be created, because its layer is not of this stack, is left out.
    """
    declared = {name: resource["Properties"] for name, resource in resources.items() if resource["Type"] == _FUNCTION}
    by_name = replace(scope, lookup=lambda reference: reference.logical_id)
    layers = {name: resolve(properties.get("Layers", []), by_name) for name, properties in declared.items()}
    return [
        _function(name, properties, [artifacts[_content(resources[layer])] for layer in layers[name]], scope, artifacts)
        for name, properties in declared.items()
        if all(layer in resources for layer in layers[name])
    ]


def _content(layer: Mapping[str, TemplateValue]) -> str:
    return str(layer["Properties"]["Content"]["S3Key"])


def _function(
    logical_id: str,
    properties: Mapping[str, TemplateValue],
    layer_dirs: Sequence[Path],
    scope: Scope,
    artifacts: Mapping[str, Path],
) -> FunctionSpec:
    return FunctionSpec(
        logical_id=logical_id,
        name=logical_id,
        arn=logical_id,
        handler=properties["Handler"],
        code_dir=artifacts[properties["Code"]["S3Key"]],
        layer_dirs=tuple(layer_dirs),
        packages_dirs=tuple(packages for layer in layer_dirs for packages in packages_of(layer)),
        timeout_s=1,
        memory_mb=128,
        environment=dict(_plain(properties.get("Environment", {}).get("Variables", {}), scope)),
    )


def _plain(variables: Mapping[str, TemplateValue], scope: Scope) -> Iterator[tuple[str, str]]:
    for name, value in variables.items():
        try:
            yield name, str(resolve(value, scope))
        except IntrinsicError:
            continue
