"""Enumerations that several schemas share. Each is a schema of its own: a client that gets a type per place cannot hand
the kind of a model on to an order.
"""

from typing import Any, Final, get_args

from fermata.domain.catalogue.models import Format, Purpose
from fermata.domain.catalogue.units import Kind, Unit
from fermata.domain.catalogue.voices import Gender
from fermata.domain.webhooks.delivery import NoAnswer

Json = dict[str, Any]


def _enumeration(description: str, *values: str) -> Json:
    return {"type": "string", "enum": list(values), "description": description}


ENUMERATIONS: Final = {
    "AudioFormat": _enumeration("The format of an audio file.", *get_args(Format)),
    "Gender": _enumeration("The gender that a voice sounds like.", *get_args(Gender)),
    "Kind": _enumeration("What a model makes.", *get_args(Kind)),
    "NoAnswer": _enumeration("Why a receiver of webhooks did not answer.", *(each.value for each in NoAnswer)),
    "ReferencePurpose": _enumeration("The role of a reference recording.", *get_args(Purpose)),
    "Unit": _enumeration(
        "What one price buys: an order's song, 1,000 characters of a text, or a minute.", *get_args(Unit)
    ),
}
"""By their names in the document."""
_NAMES: Final = {tuple(schema["enum"]): name for name, schema in ENUMERATIONS.items()}


def with_named_enumerations(value: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """A schema that refers to each of these enumerations where it would repeat it."""
    if isinstance(value, list):
        return [with_named_enumerations(each) for each in value]
    if not isinstance(value, dict):
        return value
    name = _NAMES.get(tuple(value["enum"])) if isinstance(value.get("enum"), list) else None
    if name is None:
        return {each: with_named_enumerations(inner) for each, inner in value.items()}
    kept = {each: inner for each, inner in value.items() if each not in ("enum", "type")}
    return {"$ref": f"#/components/schemas/{name}", **kept}
