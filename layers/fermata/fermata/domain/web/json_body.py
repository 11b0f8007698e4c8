"""Request bodies: one JSON object parsed into a model, with all its errors reported at once by JSON pointers."""

import json
from collections.abc import Sequence
from typing import Final, TypeVar, get_args

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import ErrorDetails

from fermata.errors import BodyTooLargeError, FieldError, InvalidRequestError, MalformedBodyError

MAX_BODY_BYTES: Final = 128 * 1024
"""Longest accepted body: enough for the longest prompt and lyrics with every character as an escaped surrogate pair."""

MAX_FIELDS_TOLD: Final = 100
"""Most wrong fields that are named; without a limit, the answer could exceed Lambda's maximum."""

BodyT = TypeVar("BodyT", bound=BaseModel)


def read_body(body: bytes, shape: type[BodyT]) -> BodyT:
    """The body as a value of its shape.

    Raises `BodyTooLargeError`, `MalformedBodyError` (not JSON) or `InvalidRequestError` (a pointer per wrong field).
    """
    document = read_object(body)
    try:
        return shape.model_validate(document)
    except ValidationError as error:
        raise InvalidRequestError(_wrong_fields(error, shape)) from None


def read_object(body: bytes) -> dict[str, JsonValue]:
    """The body as an object of any shape; raises as `read_body` does."""
    document = _parse_json(body)
    if not isinstance(document, dict):
        raise InvalidRequestError([FieldError("", f"must be a JSON object, got {_json_type(document)}")])
    return document


def _parse_json(body: bytes) -> JsonValue:
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLargeError(f"the body has {len(body)} bytes; at most {MAX_BODY_BYTES} are read")
    try:
        document: JsonValue = json.loads(
            body.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_object_with_each_name_once
        )
    except (ValueError, RecursionError):
        raise MalformedBodyError(
            "the body is not JSON in UTF-8 without a byte order mark, or an object in it has a name twice; "
            "expected one JSON object"
        ) from None
    return document


def _object_with_each_name_once(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    """An object without repeated names: parsers differ in which of two values counts, so the order is ambiguous."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def read_optional_body(body: bytes, shape: type[BodyT]) -> BodyT:
    """As `read_body`; a body that was left out is one without fields."""
    return read_body(body, shape) if body.strip() else shape()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _json_type(value: JsonValue) -> str:
    names = {
        list: "an array",
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        type(None): "null",
    }
    return names[type(value)]


def _wrong_fields(error: ValidationError, shape: type[BaseModel]) -> list[FieldError]:
    named = [_field_error(part, shape) for part in error.errors(include_url=False)[:MAX_FIELDS_TOLD]]
    more = error.error_count() - len(named)
    return [*named, FieldError("", f"has {more} more wrong fields")] if more else named


def _field_error(part: ErrorDetails, shape: type[BaseModel]) -> FieldError:
    # pydantic appends "[key]" for a key of `metadata`; a caller may use the same text as a name.
    location = part["loc"][:2]
    pointer = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in location)
    if part["type"] == "extra_forbidden":
        allowed = ", ".join(_owner(shape, location[:-1]).model_fields)
        return FieldError(pointer, f"is not a field here; {f'allowed: {allowed}' if allowed else 'the body has none'}")
    if part["type"] == "missing":
        return FieldError(pointer, "is required")
    if part["type"] in ("enum", "literal_error"):
        return FieldError(pointer, f"must be {part['ctx']['expected']}")
    return FieldError(pointer, part["msg"].removeprefix("Value error, "))


def _owner(shape: type[BaseModel], path: Sequence[int | str]) -> type[BaseModel]:
    """The model of the object at a path inside a body."""
    for step in path:
        annotation = shape.model_fields[str(step)].annotation
        shape = next(kind for kind in (annotation, *get_args(annotation)) if _is_model(kind))
    return shape


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
