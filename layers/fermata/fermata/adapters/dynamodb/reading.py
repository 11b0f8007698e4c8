"""Reads stored items. One that is unreadable is logged and counted for the operator, and never hides the others."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from pydantic import ValidationError

from fermata.adapters.dynamodb.items import Item
from fermata.errors import NewerRecordError, UnreadableRecordError
from fermata.log import logger

UNREADABLE: Final = "UnreadableRecords"
"""The metric of items that could not be read; one item counts at every read."""
FORMAT: Final = 1
"""The format of the records that this release writes, and the newest that it reads. It grows with a change that an
older release would misread.
"""
_BROKEN: Final = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What reading a broken item raises; pydantic's own error is a `ValueError`."""

_MOST: Final = 5
"""Most fields of an item that a report names."""

Read = TypeVar("Read")


class _NewerFormatError(ValueError):
    """A newer release wrote the item."""


def read(item: Item, reader: Callable[[Item], Read]) -> Read:
    """What `reader` makes of an item; raises `UnreadableRecordError`, after it was reported, where that fails."""
    return read_as(f"{item.get('pk')}/{item.get('sk')}", item, reader)


def read_as(name: str, item: Item, reader: Callable[[Item], Read]) -> Read:
    """`read` for an item whose keys were not read with it; `name` says which it is."""
    try:
        _refuse_newer(item)
        return reader(item)
    except _BROKEN as error:
        reason = _reason(error)
        _report(name, reason)
        kind = NewerRecordError if isinstance(error, _NewerFormatError) else UnreadableRecordError
        raise kind(f"the record {name} cannot be read: {reason}") from error


def read_or(otherwise: Read, reading: Callable[[], Read]) -> Read:
    """What `reading` returns, or `otherwise` where it meets an unreadable item, which was then reported."""
    try:
        return reading()
    except UnreadableRecordError:
        return otherwise


def readable(items: Iterable[Item], reader: Callable[[Item], Read]) -> Iterator[Read]:
    """What `reader` makes of each item that it can read; the others are reported and left out."""
    for item in items:
        try:
            yield read(item, reader)
        except UnreadableRecordError:
            continue


def _refuse_newer(item: Item) -> None:
    found = int(item.get("format", FORMAT))
    if found > FORMAT:
        raise _NewerFormatError(f"a newer release wrote it in format {found}, and this one reads up to {FORMAT}")


def _reason(error: Exception) -> str:
    """Why, without any stored value: those belong to tenants."""
    if isinstance(error, _NewerFormatError):
        return str(error)
    if isinstance(error, ValidationError):
        # Deeper names are tenants' own, as those of metadata are.
        return "; ".join(f"{'.'.join(map(str, each['loc'][:2]))}: {each['type']}" for each in error.errors()[:_MOST])
    return type(error).__name__


def _report(name: str, reason: str) -> None:
    # Powertools' metrics take their time to import, and most environments never need them here.
    from fermata import config
    from fermata.adapters.metrics import EmfMetrics

    do = (
        "if a newer release was rolled back, deploy it again; otherwise compare the item in the table with others of "
        "its kind, and mend or restore it"
    )
    logger.error("a stored record cannot be read", extra={"record": name, "reason": reason, "do": do})
    EmfMetrics(config.load(config.StackSettings).stack_name).count(UNREADABLE, None)
