"""What is wrong with a request, in words that a provider might use. No sentence of the validator appears in them."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_TYPES: Final[Mapping[str, str]] = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}
_UNKNOWN_ROOT: Final = "body"


def first_wrong_field(error: ValidationError, *, within: str = "") -> str:
    """The first wrong field of a body with what is wrong about it, never its value, as in `lyrics: required`. `within`
    is the field whose content was checked.
    """
    first = error.errors(include_input=False, include_url=False)[0]
    path = ".".join(str(part) for part in (*([within] if within else ()), *first["loc"]))
    reason = _reason(first)
    return reason if first["type"] == "value_error" and not path else f"{path or _UNKNOWN_ROOT}: {reason}"


def _reason(found: ErrorDetails) -> str:
    kind, context = found["type"], found.get("ctx", {})
    if kind == "missing":
        return "required"
    if kind == "extra_forbidden":
        return "unknown field"
    if kind == "value_error":
        return str(context["error"])
    if kind in _TYPES:
        return f"expected {_TYPES[kind]}"
    return _bound(kind, context) or "not valid"


def _bound(kind: str, context: Mapping[str, Any]) -> str | None:
    """The words for a value outside its bounds, None for any other error."""
    return {
        "literal_error": "expected {expected}",
        "string_too_short": "expected at least {min_length} characters",
        "string_too_long": "expected at most {max_length} characters",
        "greater_than": "expected more than {gt}",
        "greater_than_equal": "expected at least {ge}",
        "less_than_equal": "expected at most {le}",
    }.get(kind, "").format(**context) or None
