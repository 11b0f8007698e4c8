"""Converts items between plain values and DynamoDB's typed form."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

Item = Mapping[str, Any]


class _Serializer(TypeSerializer):
    """As boto3's, which refuses floats; a float is stored as the shortest decimal that reads back as the same."""

    def serialize(self, value: Any) -> Any:  # noqa: ANN401 - as boto3 declares it
        """The value with its type mark."""
        return super().serialize(Decimal(repr(value)) if isinstance(value, float) else value)


serialize = _Serializer().serialize
_deserialize = TypeDeserializer().deserialize


def typed(item: Item) -> dict[str, Any]:
    """An item with DynamoDB's type marks."""
    return {name: serialize(value) for name, value in item.items()}


def plain(item: Item) -> dict[str, Any]:
    """An item without DynamoDB's type marks; its numbers are `Decimal`."""
    return {name: _deserialize(value) for name, value in item.items()}
