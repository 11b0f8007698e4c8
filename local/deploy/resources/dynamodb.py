"""AWS::DynamoDB::Table."""

from typing import Final

from local.deploy.resources.resource_type import Created, Properties, ResourceType, Stack


class AttributeDefinition(Properties):
    """One attribute that a key uses."""

    attribute_name: str
    attribute_type: str


class KeyElement(Properties):
    """One part of a key."""

    attribute_name: str
    key_type: str


class Projection(Properties):
    """The attributes that an index copies from its items."""

    projection_type: str
    non_key_attributes: list[str] | None = None


class Throughput(Properties):
    """Capacity units of a table or an index that is not billed per request."""

    read_capacity_units: int
    write_capacity_units: int


class GlobalSecondaryIndex(Properties):
    """One global index."""

    index_name: str
    key_schema: list[KeyElement]
    projection: Projection
    provisioned_throughput: Throughput | None = None


class TimeToLive(Properties):
    """The attribute with the time after which an item may be deleted."""

    attribute_name: str
    enabled: bool


class TableProperties(Properties):
    """A table with its keys and indexes."""

    table_name: str | None = None
    billing_mode: str | None = None
    attribute_definitions: list[AttributeDefinition]
    key_schema: list[KeyElement]
    global_secondary_indexes: list[GlobalSecondaryIndex] | None = None
    provisioned_throughput: Throughput | None = None
    time_to_live_specification: TimeToLive | None = None


def _create_table(logical_id: str, properties: TableProperties, stack: Stack) -> Created:
    request = properties.as_request()
    time_to_live = request.pop("TimeToLiveSpecification", None)
    name = request.setdefault("TableName", stack.physical_name(logical_id, 255))
    table = stack.client("dynamodb").create_table(**request)["TableDescription"]
    if time_to_live:
        stack.client("dynamodb").update_time_to_live(TableName=name, TimeToLiveSpecification=time_to_live)
    return Created(name, {"Arn": table["TableArn"]})


RESOURCE_TYPES: Final = (ResourceType("AWS::DynamoDB::Table", TableProperties, _create_table, frozenset({"Arn"})),)
