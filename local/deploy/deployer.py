"""Deploys a SAM template to the emulator: transform, check as a whole, create in the order of references."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.deploy.deployment import ACCOUNT_ID, REGION, Deployment, FunctionSpec, Route
from local.deploy.functions_ahead import functions_ahead
from local.deploy.ignored_properties import without_ignored
from local.deploy.intrinsics import ParameterValue, Reference, Scope, TemplateValue, as_text, resolve
from local.deploy.parameters import read_parameters
from local.deploy.resources import resource_type
from local.deploy.resources.resource_type import Clients, Created, RunFunction, Stack, UnsupportedValueError
from local.deploy.stack_plan import Plan, plan_stack
from local.deploy.transform import package, read_template, to_cloudformation
from local.errors import ResourceCreationError, UnknownParameterError, UnsupportedTemplateError

__all__ = ["UnknownParameterError", "UnsupportedTemplateError", "deploy"]


def _run_nothing(function: FunctionSpec, _payload: bytes) -> str | None:
    raise ResourceCreationError(f"{function.logical_id} cannot run: this deployment has no runner for functions")


def deploy(
    template_path: Path,
    *,
    stack_name: str = "fermata",
    parameters: Mapping[str, str] | None = None,
    clients: Clients,
    built_dir: Path | None = None,
    run: RunFunction = _run_nothing,
    warm: Callable[[Collection[FunctionSpec]], object] = len,
) -> Deployment:
    """Create a template's resources with boto3 `clients` of an empty emulator, from the sources or from a `sam build`.

    `run` runs the functions of custom resources while the stack is created. `warm` hears of all functions before that.
    Nothing is created when the template or a parameter is refused; the error then names every problem, one a line.
    """
    return _deployed({}, template_path, stack_name, parameters or {}, clients, built_dir, run, warm)


def update(
    before: Deployment,
    template_path: Path,
    *,
    stack_name: str = "fermata",
    parameters: Mapping[str, str] | None = None,
    clients: Clients,
    run: RunFunction = _run_nothing,
) -> Deployment:
    """Deploy a changed template over a running deployment: functions, layers and machines get new versions, and aliases
    name them. Every other resource stays as it is; one that is new is created.
    """
    return _deployed(before.created, template_path, stack_name, parameters or {}, clients, None, run, len)


def _deployed(
    before: Mapping[str, Created],
    template_path: Path,
    stack_name: str,
    parameters: Mapping[str, str],
    clients: Clients,
    built_dir: Path | None,
    run: RunFunction,
    warm: Callable[[Collection[FunctionSpec]], object],
) -> Deployment:
    source = built_dir / "template.yaml" if built_dir else template_path
    template = read_template(source)
    values = read_parameters(template, parameters)
    packaged = package(template, source.parent, built=built_dir is not None)
    cloudformation = to_cloudformation(packaged.template, values)
    scope = _scope(cloudformation, stack_name, values)
    plan = plan_stack(cloudformation, scope, packaged)
    warm(functions_ahead(plan.resources, scope, packaged.artifacts))
    created: dict[str, Created] = {}
    stack = Stack(stack_name, cache(clients), packaged.artifacts, created, run)
    scope = replace(scope, lookup=lambda reference: _found(reference, created))
    for logical_id, resource in plan.resources.items():
        created[logical_id] = _create(logical_id, resource, scope, stack, before.get(logical_id))
    return _deployment(plan, created, scope)


def _scope(template: Mapping[str, Any], stack_name: str, parameters: Mapping[str, ParameterValue]) -> Scope:
    pseudo_parameters = {
        "AWS::AccountId": ACCOUNT_ID,
        "AWS::Partition": "aws",
        "AWS::Region": REGION,
        "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT_ID}:stack/{stack_name}/local",
        "AWS::StackName": stack_name,
        "AWS::URLSuffix": "amazonaws.com",
    }
    return Scope({**parameters, **pseudo_parameters}, template.get("Conditions", {}), template.get("Mappings", {}))


def _found(reference: Reference, created: Mapping[str, Created]) -> str:
    resource = created[reference.logical_id]
    if reference.attribute is None:
        return resource.physical_id
    if reference.attribute not in resource.attributes:
        raise ResourceCreationError(f"{reference.logical_id} was created without the attribute {reference.attribute}")
    return resource.attributes[reference.attribute]


def _create(
    logical_id: str, resource: Mapping[str, TemplateValue], scope: Scope, stack: Stack, before: Created | None
) -> Created:
    type_name = resource["Type"]
    known = resource_type(type_name)
    if known is None:
        # The plan accepts only types that are supported or ignored as a whole.
        return Created(logical_id)
    if before is not None and known.update is None:
        return before
    properties = known.properties.model_validate(
        without_ignored(type_name, resolve(resource.get("Properties", {}), scope))
    )
    try:
        if before is not None and known.update is not None:
            return known.update(logical_id, properties, stack, before)
        return known.create(logical_id, properties, stack)
    except UnsupportedValueError as error:
        raise UnsupportedTemplateError([f"{logical_id} ({type_name}) {error.path}: {error}"]) from error
    except (ClientError, BotoCoreError) as error:
        cause = " ".join(str(error).split())
        raise ResourceCreationError(f"{logical_id} ({type_name}): the emulator refuses it: {cause}") from error


def _routes(created: Collection[Created]) -> tuple[Route, ...]:
    """The routes of all APIs, with the limits of their stages."""
    throttles = {api_id: throttle for resource in created for api_id, throttle in resource.throttles.items()}
    return tuple(
        replace(route, throttle=throttles.get(f"{api_id} {route.method} {route.path}", throttles.get(api_id)))
        for api_id, routes in ((api.physical_id, api.routes) for api in created)
        for route in routes
    )


def _deployment(plan: Plan, created: Mapping[str, Created], scope: Scope) -> Deployment:
    return Deployment(
        functions={function.name: function for resource in created.values() for function in resource.functions},
        routes=_routes(created.values()),
        outputs={name: as_text(resolve(output["Value"], scope)) for name, output in plan.outputs.items()},
        resources={logical_id: resource.physical_id for logical_id, resource in created.items()},
        created=created,
    )
