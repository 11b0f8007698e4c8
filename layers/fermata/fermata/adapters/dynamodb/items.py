"""Converts items between plain values and DynamoDB's typed form, as boto3 does, but without the rest of boto3."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from decimal import Clamped, Context, Decimal, Inexact, Overflow, Rounded, Underflow
from typing import Any, Final

Item = Mapping[str, Any]

_NUMBERS: Final = Context(Emin=-128, Emax=126, prec=38, traps=[Clamped, Overflow, Inexact, Rounded, Underflow])
"""The numbers that DynamoDB keeps; any other one raises an error of `decimal`."""


def serialize(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any value that an item may hold
    """A value with its type mark. A float is stored as the shortest decimal that reads back as the same.

    Raises `TypeError` for what DynamoDB has no type for, and for infinity and NaN.
    """
    if value is None:
        return {"NULL": True}
    for kind, mark, encode in _MARKS:
        if isinstance(value, kind):
            return {mark: encode(value)}
    if isinstance(value, AbstractSet):
        return _set(value)
    raise TypeError(f"an item cannot hold a value of the type {type(value).__name__}")


def typed(item: Item) -> dict[str, Any]:
    """An item with DynamoDB's type marks."""
    return {name: serialize(value) for name, value in item.items()}


def plain(item: Item) -> dict[str, Any]:
    """An item without DynamoDB's type marks; its numbers are `Decimal`."""
    return {name: _deserialize(value) for name, value in item.items()}


def _number(value: float | Decimal) -> str:
    number = str(_NUMBERS.create_decimal(repr(value) if isinstance(value, float) else value))
    if number in ("Infinity", "-Infinity", "NaN"):
        raise TypeError("DynamoDB has neither infinity nor NaN")
    return number


def _set(values: AbstractSet[Any]) -> dict[str, Any]:
    marked = [serialize(value) for value in values]
    marks = {mark for each in marked for mark in each}
    if len(marks) != 1 or not marks <= {"S", "N", "B"}:
        raise TypeError("a set must hold values of one type: texts, numbers or bytes")
    (mark,) = marks
    return {f"{mark}S": [each[mark] for each in marked]}


_MARKS: Final[tuple[tuple[type | tuple[type, ...], str, Callable[[Any], Any]], ...]] = (
    (bool, "BOOL", bool),
    ((int, float, Decimal), "N", _number),
    (str, "S", lambda text: text),
    ((bytes, bytearray), "B", bytes),
    (Mapping, "M", typed),
    ((list, tuple), "L", lambda values: [serialize(value) for value in values]),
)
"""The kinds of value with their marks, the narrower ones first, since a bool is an int."""

_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "NULL": lambda _: None,
    "N": _NUMBERS.create_decimal,
    "M": plain,
    "L": lambda values: [_deserialize(value) for value in values],
    "NS": lambda values: {_NUMBERS.create_decimal(value) for value in values},
    "SS": set,
    "BS": set,
}


def _deserialize(value: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any value that an item may hold
    ((mark, kept),) = value.items()
    return _READERS[mark](kept) if mark in _READERS else kept
