"""Measures the calls of functions to moto's DynamoDB by AWS's rule, because moto's own figures are not AWS's."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from local.deploy.deployment import ACCOUNT_ID, REGION
from local.emulator import moto_seams
from local.emulator.capacity.rule import Index, Item, index_units, item_bytes, read_units, write_units
from local.emulator.moto_seams import MotoValue

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_WRITES: Final[Mapping[str, str]] = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete"}
_BATCHED: Final[Mapping[str, str]] = {"PutRequest": "Put", "DeleteRequest": "Delete"}
_MEASURED: Final = "fermata.units"
_DATE: Final = re.compile(r"\d{4}-\d\d(-\d\d)?")


@dataclass
class Units:
    """What one call takes; `touched` has each item that it read or wrote, without its ids."""

    action: str
    request: Mapping[str, Any]
    write: int = 0
    index: int = 0
    read: float = 0.0
    touched: list[dict[str, object]] = field(default_factory=list)

    def as_record(self) -> dict[str, object]:
        """The fields of a log line."""
        return {
            "write_units": self.write,
            "index_units": self.index,
            "read_units": self.read,
            "touched": self.touched,
        }

    def wrote(self, before: Item | None, after: Item | None, key: Item, table: MotoValue, *, together: bool) -> None:
        """Count a write, in a transaction or alone."""
        write = write_units(before, after, transactional=together)
        index = sum(index_units(before, after, each) for each in _indexes(table))
        self.write, self.index = self.write + write, self.index + index
        size = max(item_bytes(before), item_bytes(after))
        self.touched.append({"item": _kind(key), "bytes": size, "write": write, "index": index})

    def has_read(self, item: Item | None, key: Item, *, consistent: bool, together: bool = False) -> None:
        """Count the read of one item."""
        size = item_bytes(item)
        units = read_units([size], consistent=consistent, transactional=together)
        self.read += units
        self.touched.append({"item": _kind(key), "bytes": size, "read": units})

    def has_queried(self, items: list[Item]) -> None:
        """Count a query that looked at these items, before its filter."""
        size, consistent = sum(map(item_bytes, items)), bool(self.request.get("ConsistentRead"))
        units = read_units([size], consistent=consistent)
        self.read += units
        kind = _kind(items[0]) if items else ""
        self.touched.append({"item": f"{kind}?", "bytes": size, "read": units})


_current: ContextVar[Units | None] = ContextVar("units", default=None)


def ask_for_units(environ: "WSGIEnvironment", action: str, request: Mapping[str, Any]) -> Units:
    """Have a call measured once it is served; what is returned is filled then."""
    units = Units(action.rpartition(":")[2], request)
    environ[_MEASURED] = units
    return units


@contextmanager
def measuring(environ: "WSGIEnvironment") -> Iterator[None]:
    """Serve a call that may have been asked to be measured."""
    token = _current.set(environ.get(_MEASURED))
    try:
        yield
    finally:
        _current.reset(token)


def measure_calls() -> None:
    """Let `measuring` take effect. To be called before the calls are locked, so that an item is seen as the call found
    and left it.
    """
    call, query = moto_seams.CALL_DYNAMODB.original, moto_seams.QUERY.original

    def call_action(self: MotoValue) -> MotoValue:
        units = _current.get()
        return call(self) if units is None else _measured(units, lambda: call(self))

    def measured_query(self: MotoValue, hash_key: MotoValue, *rest: MotoValue, **named: MotoValue) -> MotoValue:
        named |= dict(zip(moto_seams.QUERY.parameters[2:], rest, strict=False))  # type: ignore[index]
        answer = query(self, hash_key, **named)
        if (units := _current.get()) is not None:
            unfiltered = named | {"filter_expression": None, "projection_expressions": None}
            found = answer if named == unfiltered else query(self, hash_key, **unfiltered)
            units.has_queried([_as_item(each) for each in found[0]])
        return answer

    moto_seams.CALL_DYNAMODB.replace(call_action)
    moto_seams.QUERY.replace(measured_query)


def _measured(units: Units, call: Callable[[], MotoValue]) -> MotoValue:
    writes, before = list[tuple[MotoValue, Item]](), list[Item | None]()
    # What is malformed is refused by moto, and takes nothing.
    with suppress(AttributeError, KeyError, TypeError, ValueError):
        _count_reads(units)
        writes = list(_writes(units))
        before = [_find(table, key) for table, key in writes]
    answer = call()
    together = units.action == "TransactWriteItems"
    for (table, key), old in zip(writes, before, strict=False):
        units.wrote(old, _find(table, key), key, table, together=together)
    return answer


def _count_reads(units: Units) -> None:
    request = units.request
    match units.action:
        case "GetItem" if table := _table(request["TableName"]):
            units.has_read(_find(table, request["Key"]), request["Key"], consistent=bool(request.get("ConsistentRead")))
        case "BatchGetItem":
            for name, wanted in request["RequestItems"].items():
                consistent = bool(wanted.get("ConsistentRead"))
                for key in wanted["Keys"]:
                    units.has_read(_find(_table(name), key), key, consistent=consistent)
        case "TransactGetItems":
            for part in request["TransactItems"]:
                key = part["Get"]["Key"]
                units.has_read(_find(_table(part["Get"]["TableName"]), key), key, consistent=True, together=True)


def _writes(units: Units) -> Iterator[tuple[MotoValue, Item]]:
    """The table and the key of each write."""
    request, operations = units.request, list[tuple[str, Mapping[str, Any]]]()
    if units.action in _WRITES:
        operations = [(_WRITES[units.action], request)]
    elif units.action == "TransactWriteItems":
        operations = [next(iter(part.items())) for part in request["TransactItems"]]
    elif units.action == "BatchWriteItem":
        operations = [
            (_BATCHED[kind], {"TableName": name, **operation})
            for name, parts in request["RequestItems"].items()
            for kind, operation in (next(iter(part.items())) for part in parts)
        ]
    for kind, operation in operations:
        table = _table(operation["TableName"])
        if table is not None:
            source = operation["Item"] if kind == "Put" else operation["Key"]
            yield table, {name: source[name] for name in _key_names(table)}


def _table(name: str) -> MotoValue:
    from moto.dynamodb.models import dynamodb_backends

    return dynamodb_backends[ACCOUNT_ID][REGION].tables.get(name.rpartition("/")[2])


def _key_names(table: MotoValue) -> list[str]:
    return [name for name in (table.hash_key_attr, table.range_key_attr) if name]


def _find(table: MotoValue, key: Item) -> Item | None:
    from moto.dynamodb.models.dynamo_type import DynamoType

    item = table and table.get_item(*(DynamoType(dict(key[name])) for name in _key_names(table)))
    return _as_item(item) if item else None


def _as_item(item: MotoValue) -> Item:
    return {name: _as_value(value) for name, value in item.attrs.items()}


def _as_value(value: MotoValue) -> dict[str, Any]:
    """Return the wire format of an attribute; moto keeps what is nested in either."""
    kind, content = next(iter(value.items())) if isinstance(value, dict) else (value.type, value.value)
    if kind == "M":
        return {kind: {name: _as_value(member) for name, member in content.items()}}
    if kind == "L":
        return {kind: [_as_value(member) for member in content]}
    return {kind: content}


def _indexes(table: MotoValue) -> list[Index]:
    return [
        Index(tuple(each.schema_key_attrs), _projected(each, _key_names(table))) for each in table.global_indexes or ()
    ]


def _projected(index: MotoValue, table_keys: list[str]) -> frozenset[str] | None:
    if index.projection.get("ProjectionType") == "ALL":
        return None
    return frozenset([*table_keys, *index.schema_key_attrs, *index.projection.get("NonKeyAttributes", ())])


def _kind(key: Item) -> str:
    """The first word of each part of a key, which says what the item is and not whose; a date is a `DATE`, and one of
    many numbers a `NUMBER`.
    """
    words = [str(next(iter(key[name].values()))).partition("#")[0] for name in ("pk", "sk") if name in key]
    return "/".join("NUMBER" if word.isdigit() else _DATE.sub("DATE", word) for word in words)
