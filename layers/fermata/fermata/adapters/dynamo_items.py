"""Items as DynamoDB's client takes and gives them, and what may be said when it refuses."""

from collections.abc import Mapping
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

Item = Mapping[str, Any]

serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def typed(item: Item) -> dict[str, Any]:
    """An item with DynamoDB's type marks."""
    return {name: serialize(value) for name, value in item.items()}


def plain(item: Item) -> dict[str, Any]:
    """An item without DynamoDB's type marks; its numbers are `Decimal`."""
    return {name: _deserialize(value) for name, value in item.items()}


def error_code(error: ClientError | BotoCoreError) -> str:
    """What may be said about a refusal: its code, never its message."""
    return error.response["Error"].get("Code", "unknown") if isinstance(error, ClientError) else type(error).__name__
