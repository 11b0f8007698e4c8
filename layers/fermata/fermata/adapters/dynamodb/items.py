"""Converts items between plain values and DynamoDB's typed form."""

from collections.abc import Mapping
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

Item = Mapping[str, Any]

serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def typed(item: Item) -> dict[str, Any]:
    """An item with DynamoDB's type marks."""
    return {name: serialize(value) for name, value in item.items()}


def plain(item: Item) -> dict[str, Any]:
    """An item without DynamoDB's type marks; its numbers are `Decimal`."""
    return {name: _deserialize(value) for name, value in item.items()}
