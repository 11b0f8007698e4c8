"""DynamoDB: the keys of a request, and of a transaction each item alone and all items of one kind together.

Sources: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html and
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

from local.iam.calls.facts import Facts, arn_of
from local.iam.decision import Need
from local.iam.patterns import Context, Values

Request: TypeAlias = Mapping[str, Any]
"""A request of DynamoDB's API, or the part of one that concerns one item."""

_OF_ONE_ITEM: Final = frozenset({"GetItem", "PutItem", "UpdateItem", "DeleteItem"})
_OF_A_TABLE: Final = frozenset({"Scan", "DescribeTable", "DescribeTimeToLive", "DescribeContinuousBackups"})
_IN_TRANSACTIONS: Final = {
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
_EXPRESSIONS: Final = ("ProjectionExpression", "UpdateExpression", "ConditionExpression", "FilterExpression")
_EQUALITY: Final = re.compile(r"([#\w.-]+)\s*=\s*(:\w+)")
_NAME: Final = re.compile(r"(?<![\w.#:])#?[A-Za-z_]\w*(?!\w*\s*\()")
_KEYWORDS: Final = frozenset({"set", "remove", "add", "delete", "and", "or", "not", "between", "in"})


def needs_of(operation: str, request: Request, facts: Facts) -> tuple[Need, ...] | None:
    """Return the rights that a request needs, None for an operation that is not known here."""
    if operation in _OF_ONE_ITEM:
        return (_need(operation, request["TableName"], _keys(request, facts), [request]),)
    if operation == "Query":
        index = request.get("IndexName")
        return (_need(operation, request["TableName"], _queried(request, facts), [request], index),)
    if operation in {"TransactWriteItems", "TransactGetItems"}:
        return tuple(_of_transaction(request, facts))
    if operation in {"BatchGetItem", "BatchWriteItem"}:
        return tuple(_of_batch(operation, request, facts))
    if operation in _OF_A_TABLE:
        return (_need(operation, request["TableName"], (), [request], request.get("IndexName")),)
    return None


def _need(operation: str, table: str, keys: Values, parts: Iterable[Request], index: str | None = None) -> Need:
    resource = arn_of("dynamodb", f"table/{table}")
    if index:
        resource = f"{resource}/index/{index}"
    return Need(f"dynamodb:{operation}", resource, _context(keys, tuple(parts)))


def _context(keys: Values, parts: tuple[Request, ...]) -> Context:
    # What few policies ask for is found out only then.
    rest: Context = {
        "dynamodb:attributes": lambda: tuple(sorted({name for part in parts for name in _attributes(part)})),
        "dynamodb:select": lambda: tuple({part["Select"] for part in parts if "Select" in part}),
        "dynamodb:returnvalues": lambda: tuple({part["ReturnValues"] for part in parts if "ReturnValues" in part}),
    }
    return {"dynamodb:leadingkeys": keys, **rest} if keys else rest


def _of_transaction(request: Request, facts: Facts) -> Iterator[Need]:
    """Each item alone, and for each action all of its keys together, because AWS compares them all with a policy."""
    together: dict[tuple[str, str], list[tuple[Values, Request]]] = {}
    for item in request.get("TransactItems", ()):
        for kind, part in item.items():
            if kind in _IN_TRANSACTIONS:
                together.setdefault((_IN_TRANSACTIONS[kind], part["TableName"]), []).append((_keys(part, facts), part))
    for (operation, table), found in together.items():
        yield from _alone_and_together(operation, table, found)


def _of_batch(operation: str, request: Request, facts: Facts) -> Iterator[Need]:
    for table, asked in request.get("RequestItems", {}).items():
        if operation == "BatchGetItem":
            parts: list[Request] = [{**asked, "Key": key} for key in asked.get("Keys", ())]
        else:
            parts = [part for each in asked for part in each.values()]
        yield from _alone_and_together(operation, table, [(_keys(part, facts, table), part) for part in parts])


def _alone_and_together(operation: str, table: str, found: list[tuple[Values, Request]]) -> Iterator[Need]:
    by_keys = dict(found)
    union = tuple(dict.fromkeys(key for keys in by_keys for key in keys))
    yield _need(operation, table, union, [part for _, part in found])
    if len(by_keys) > 1:
        yield from (_need(operation, table, keys, [part]) for keys, part in by_keys.items())


def _keys(part: Request, facts: Facts, table: str | None = None) -> Values:
    name = facts.hash_key(table or part["TableName"], None)
    value = (part.get("Key") or part.get("Item") or {}).get(name)
    return _texts(value)


def _queried(request: Request, facts: Facts) -> Values:
    name = facts.hash_key(request["TableName"], request.get("IndexName"))
    if "KeyConditions" in request:
        values = request["KeyConditions"].get(name, {}).get("AttributeValueList", ())
        return tuple(text for value in values for text in _texts(value))
    names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
    for said, placeholder in _equalities(request.get("KeyConditionExpression", "")):
        if names.get(said, said) == name:
            return _texts(values.get(placeholder))
    return ()


@lru_cache(maxsize=512)
def _equalities(expression: str) -> tuple[tuple[str, str], ...]:
    return tuple(_EQUALITY.findall(expression))


def _texts(value: object) -> Values:
    """The text of a key's value, `{"S": "JOB#1"}`."""
    return tuple(str(text) for text in value.values()) if isinstance(value, Mapping) else ()


def _attributes(part: Request) -> Iterator[str]:
    """The attributes that a request names, without what is within them."""
    yield from part.get("Item", ())
    yield from part.get("Key", ())
    yield from part.get("AttributesToGet", ())
    names = part.get("ExpressionAttributeNames", {})
    for expression in (*_EXPRESSIONS, "KeyConditionExpression"):
        for said in _NAME.findall(part.get(expression, "")):
            if said.lower() not in _KEYWORDS:
                yield names.get(said, said)
