"""The properties that the one-machine cloud ignores on purpose; `ignored_properties.json` gives each reason."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from local.deploy.intrinsics import TemplateValue

WHOLE_TYPE: Final = "*"
"""Stands for all properties of a type: its resources are not created at all."""

_EACH: Final = "*"


@cache
def ignored_properties() -> Mapping[str, Mapping[str, str]]:
    """Return the reason for each ignored property path, by resource type."""
    text = Path(__file__).with_name("ignored_properties.json").read_text("utf-8")
    reasons: Mapping[str, Mapping[str, str]] = json.loads(text)
    return reasons


def is_ignored_type(type_name: str) -> bool:
    """Return whether the one-machine cloud ignores this resource type as a whole."""
    return WHOLE_TYPE in ignored_properties().get(type_name, {})


def without_ignored(type_name: str, properties: Mapping[str, TemplateValue]) -> dict[str, TemplateValue]:
    """Return the resolved properties of a resource except those that are ignored for its type."""
    kept: TemplateValue = dict(properties)
    for path in ignored_properties().get(type_name, {}):
        kept = _without(kept, path.split("."))
    return dict(kept)


def _without(value: TemplateValue, path: list[str]) -> TemplateValue:
    """Return the value without the entry at `path`; `*` stands for each key of a map."""
    if not isinstance(value, dict):
        return value
    key, rest = path[0], path[1:]
    if not rest:
        return {name: child for name, child in value.items() if name != key}
    return {name: _without(child, rest) if key in (_EACH, name) else child for name, child in value.items()}
