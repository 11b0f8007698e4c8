"""AWS::StepFunctions: state machines with their versions and aliases."""

import hashlib
import json
import re
from dataclasses import replace
from typing import Final

from local.deploy.resources.resource_type import (
    Artifacts,
    Created,
    Document,
    Properties,
    ResourceType,
    Stack,
    Text,
    UnsupportedValueError,
)

_SUBSTITUTION: Final = re.compile(r"\$\{(\w+)\}")


class DefinitionLocation(Properties):
    """The location of a packaged definition in AWS; its key identifies the file on disk."""

    bucket: str
    key: str


class StateMachineProperties(Properties):
    """A state machine with its definition in the template or in a separate file."""

    state_machine_name: str | None = None
    state_machine_type: str = "STANDARD"
    role_arn: str
    definition: Document | None = None
    definition_string: str | None = None
    definition_s3_location: DefinitionLocation | None = None
    definition_substitutions: dict[str, Text] | None = None


class StateMachineVersionProperties(Properties):
    """A numbered version of a machine; a new revision of the machine makes a new one."""

    state_machine_arn: str
    state_machine_revision_id: str
    description: str | None = None


class DeploymentPreference(Properties):
    """How an alias comes to a version. One machine deploys once, so the alias begins there."""

    state_machine_version_arn: str
    type: str | None = None
    percentage: int | None = None
    interval: int | None = None
    alarms: list[str] | None = None


class StateMachineAliasProperties(Properties):
    """A name for a version of a machine."""

    name: str
    description: str | None = None
    deployment_preference: DeploymentPreference


def _create_state_machine(logical_id: str, properties: StateMachineProperties, stack: Stack) -> Created:
    name = properties.state_machine_name or stack.physical_name(logical_id, 80)
    definition = _substituted_definition(properties, stack.artifacts)
    machine_arn: str = stack.client("stepfunctions").create_state_machine(
        name=name, definition=definition, roleArn=properties.role_arn, type=properties.state_machine_type, publish=True
    )["stateMachineArn"]
    revision = _revision(properties, definition)
    return Created(machine_arn, {"Arn": machine_arn, "Name": name, "StateMachineRevisionId": revision})


def _update_state_machine(
    _logical_id: str, properties: StateMachineProperties, stack: Stack, before: Created
) -> Created:
    definition = _substituted_definition(properties, stack.artifacts)
    stack.client("stepfunctions").update_state_machine(
        stateMachineArn=before.physical_id, definition=definition, roleArn=properties.role_arn, publish=True
    )
    return replace(
        before, attributes={**before.attributes, "StateMachineRevisionId": _revision(properties, definition)}
    )


def _revision(properties: StateMachineProperties, definition: str) -> str:
    return hashlib.sha256(f"{properties.role_arn} {definition}".encode()).hexdigest()


def _create_version(_logical_id: str, properties: StateMachineVersionProperties, _stack: Stack) -> Created:
    """The emulator cannot publish a version apart: a machine is created and updated with one."""
    return _version(properties, 1)


def _update_version(
    _logical_id: str, properties: StateMachineVersionProperties, _stack: Stack, before: Created
) -> Created:
    return _version(properties, int(before.physical_id.rpartition(":")[2]) + 1)


def _version(properties: StateMachineVersionProperties, number: int) -> Created:
    version_arn = f"{properties.state_machine_arn}:{number}"
    return Created(version_arn, {"Arn": version_arn})


def _update_alias(_logical_id: str, properties: StateMachineAliasProperties, stack: Stack, before: Created) -> Created:
    routes = [{"stateMachineVersionArn": properties.deployment_preference.state_machine_version_arn, "weight": 100}]
    stack.client("stepfunctions").update_state_machine_alias(
        stateMachineAliasArn=before.physical_id, routingConfiguration=routes
    )
    return before


def _create_alias(_logical_id: str, properties: StateMachineAliasProperties, stack: Stack) -> Created:
    version_arn = properties.deployment_preference.state_machine_version_arn
    routes = [{"stateMachineVersionArn": version_arn, "weight": 100}]
    made = stack.client("stepfunctions").create_state_machine_alias(name=properties.name, routingConfiguration=routes)
    alias_arn: str = made["stateMachineAliasArn"]
    return Created(alias_arn, {"Arn": alias_arn})


def _check_definition(properties: StateMachineProperties, artifacts: Artifacts) -> None:
    """Refuse names without a value and invalid JSON, because the emulator would accept them."""
    definition = _substituted_definition(properties, artifacts)
    unresolved = sorted(set(_SUBSTITUTION.findall(definition)))
    if unresolved:
        names = ", ".join(unresolved)
        raise UnsupportedValueError("DefinitionSubstitutions", f"the definition uses {names}, which have no value here")
    try:
        json.loads(definition)
    except json.JSONDecodeError as error:
        raise UnsupportedValueError("Definition", f"not JSON after substitution: {error}") from error


def _substituted_definition(properties: StateMachineProperties, artifacts: Artifacts) -> str:
    substitutions = properties.definition_substitutions or {}
    return _SUBSTITUTION.sub(lambda name: substitutions.get(name[1], name[0]), _definition(properties, artifacts))


def _definition(properties: StateMachineProperties, artifacts: Artifacts) -> str:
    if properties.definition_s3_location:
        return artifacts[properties.definition_s3_location.key].read_text("utf-8")
    if properties.definition_string is not None:
        return properties.definition_string
    if properties.definition is not None:
        return json.dumps(properties.definition)
    raise UnsupportedValueError(
        "Definition", "expected Definition, DefinitionString or DefinitionUri, found none of them"
    )


RESOURCE_TYPES: Final = (
    ResourceType(
        "AWS::StepFunctions::StateMachine",
        StateMachineProperties,
        _create_state_machine,
        frozenset({"Arn", "Name", "StateMachineRevisionId"}),
        _check_definition,
        _update_state_machine,
    ),
    ResourceType(
        "AWS::StepFunctions::StateMachineVersion",
        StateMachineVersionProperties,
        _create_version,
        frozenset({"Arn"}),
        update=_update_version,
    ),
    ResourceType(
        "AWS::StepFunctions::StateMachineAlias",
        StateMachineAliasProperties,
        _create_alias,
        frozenset({"Arn"}),
        update=_update_alias,
    ),
)
