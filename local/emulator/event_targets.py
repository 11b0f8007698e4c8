"""The input of a rule's target: the event, a part of it, or a text made from it."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

_PLACEHOLDER: Final = re.compile(r"<([\w.-]+)>")
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def payload(event: Mapping[str, Any], target: Mapping[str, Any]) -> str:
    """Return the JSON text that a target gets for an event."""
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return json.dumps(look_up(event, target["InputPath"]))
    if "InputTransformer" in target:
        transformer = target["InputTransformer"]
        return transform(event, transformer.get("InputPathsMap", {}), transformer["InputTemplate"])
    return json.dumps(event)


def as_sent(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return moto's event in EventBridge's form: with an ISO time and without moto's own fields."""
    sent = {key: value for key, value in event.items() if key != "ingestion-time"}
    if isinstance(sent.get("time"), int | float):
        sent["time"] = datetime.fromtimestamp(sent["time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return sent


def look_up(event: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 (any JSON value)
    """Return the value at EventBridge's JSON path (`$.detail.items[0]`), or None."""
    value: Any = event
    for name, index in _STEP.findall(path.removeprefix("$")):
        if name and isinstance(value, Mapping):
            value = value.get(name)
        elif index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        else:
            return None
    return value


def transform(event: Mapping[str, Any], paths: Mapping[str, str], template: str) -> str:
    """Fill a template: a variable within quotes becomes part of that string, any other a JSON value."""
    values = {name: look_up(event, path) for name, path in paths.items()}
    values |= {"aws.events.event": dict(event), "aws.events.event.json": dict(event)}

    def fill(match: re.Match[str]) -> str:
        if match[1] not in values:
            return match[0]
        value = values[match[1]]
        return _inside_string(value) if _quotes_before(template, match.start()) % 2 else json.dumps(value)

    return _PLACEHOLDER.sub(fill, template)


def _quotes_before(template: str, position: int) -> int:
    return len(re.findall(r'(?<!\\)"', template[:position]))


def _inside_string(value: object) -> str:
    if value is None:
        return ""
    return json.dumps(value if isinstance(value, str) else json.dumps(value))[1:-1]
