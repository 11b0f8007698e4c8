"""AWS::SSM::Parameter."""

from typing import Final

from local.deploy.resources.resource_type import Created, Properties, ResourceType, Stack, Text


class ParameterProperties(Properties):
    """A parameter of the parameter store."""

    name: str | None = None
    description: str | None = None
    type: str
    value: Text


def _create_parameter(logical_id: str, properties: ParameterProperties, stack: Stack) -> Created:
    request = properties.as_request()
    name = request.setdefault("Name", stack.physical_name(logical_id, 2048))
    stack.client("ssm").put_parameter(**request)
    return Created(name, {"Type": properties.type, "Value": properties.value})


RESOURCE_TYPES: Final = (
    ResourceType("AWS::SSM::Parameter", ParameterProperties, _create_parameter, frozenset({"Type", "Value"})),
)
