"""CloudFormation's intrinsic functions and conditions over plain template values."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

TemplateValue: TypeAlias = Any
"""JSON of any shape. An intrinsic function may replace any literal of a template."""
ParameterValue: TypeAlias = str | list[str]

_NO_VALUE: Final = object()
_PLACEHOLDER: Final = re.compile(r"\$\{([^}]*)\}")
_DYNAMIC_REFERENCE: Final = "{{resolve:"


class IntrinsicError(Exception):
    """Some values cannot be resolved; each problem is a path below the resolved value and the error at that path."""

    def __init__(self, message: str = "", *, problems: Iterable[tuple[str, str]] = ()) -> None:
        self.problems = tuple(problems) or (("", message),)
        super().__init__("; ".join(f"{path}: {text}" if path else text for path, text in self.problems))

    def below(self, key: str) -> tuple[tuple[str, str], ...]:
        """Return the problems with `key` in front of each path."""
        return tuple((f"{key}.{path}" if path else key, message) for path, message in self.problems)


class Reference(NamedTuple):
    """A use of a resource: its physical id, or one of its attributes."""

    logical_id: str
    attribute: str | None = None


Lookup: TypeAlias = Callable[[Reference], str]


def _refuse_resources(reference: Reference) -> str:
    raise IntrinsicError(f"refers to {reference.logical_id}, but only parameters can be used here")


@dataclass(frozen=True)
class Scope:
    """Values that intrinsic functions can refer to besides resources; `parameters` includes the pseudo parameters."""

    parameters: Mapping[str, ParameterValue]
    conditions: Mapping[str, TemplateValue] = field(default_factory=dict)
    mappings: Mapping[str, TemplateValue] = field(default_factory=dict)
    lookup: Lookup = _refuse_resources


def as_text(value: TemplateValue) -> str:
    """Return a scalar as CloudFormation writes it into a string: `true`, not `True`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        raise IntrinsicError(f"expected a string, found a {'map' if isinstance(value, dict) else 'list'}")
    return str(value)


def resolve(value: TemplateValue, scope: Scope) -> TemplateValue:
    """Return `value` with every intrinsic function replaced by its result and every `AWS::NoValue` left out."""
    resolved = _resolve(value, scope)
    return None if resolved is _NO_VALUE else resolved


def _resolve(value: TemplateValue, scope: Scope) -> TemplateValue:
    if isinstance(value, str) and _DYNAMIC_REFERENCE in value:
        raise IntrinsicError("dynamic references {{resolve:...}} are not supported; read the value at run time instead")
    if isinstance(value, list):
        return list(_children(((f"[{index}]", child) for index, child in enumerate(value)), scope).values())
    if not isinstance(value, dict):
        return value
    name = _function_name(value)
    return _FUNCTIONS[name](value[name], scope) if name else _children(value.items(), scope)


def _function_name(value: Mapping[str, TemplateValue]) -> str | None:
    name = next((key for key in value if key == "Ref" or str(key).startswith("Fn::")), None)
    if name is None:
        return None
    if len(value) != 1:
        others = ", ".join(sorted(set(value) - {name}))
        raise IntrinsicError(f"{name} stands beside other keys ({others}), but must be alone")
    if name not in _FUNCTIONS:
        raise IntrinsicError(f"{name} is not supported; supported are {', '.join(sorted(_FUNCTIONS))}")
    return name


def _children(items: Iterable[tuple[str, TemplateValue]], scope: Scope) -> dict[str, TemplateValue]:
    resolved: dict[str, TemplateValue] = {}
    problems: list[tuple[str, str]] = []
    for key, child in items:
        try:
            resolved[key] = _resolve(child, scope)
        except IntrinsicError as error:
            problems.extend(error.below(str(key)))
    if problems:
        raise IntrinsicError(problems=problems)
    return {key: child for key, child in resolved.items() if child is not _NO_VALUE}


def _arguments(argument: TemplateValue, function: str, *shape: str) -> list[TemplateValue]:
    if not isinstance(argument, list) or len(argument) != len(shape):
        raise IntrinsicError(f"{function} takes a list of {len(shape)} ({', '.join(shape)})")
    return argument


def _ref(name: TemplateValue, scope: Scope) -> TemplateValue:
    if name == "AWS::NoValue":
        return _NO_VALUE
    if name in scope.parameters:
        return scope.parameters[name]
    if str(name).startswith("AWS::"):
        raise IntrinsicError(f"the pseudo parameter {name} is not supported")
    return scope.lookup(Reference(name))


def _get_att(argument: TemplateValue, scope: Scope) -> str:
    parts = argument.split(".", 1) if isinstance(argument, str) else _resolve(argument, scope)
    logical_id, attribute = _arguments(parts, "Fn::GetAtt", "logical id", "attribute")
    return scope.lookup(Reference(logical_id, attribute))


def _sub(argument: TemplateValue, scope: Scope) -> str:
    whole = [argument, {}] if isinstance(argument, str) else argument
    text, variables = _arguments(whole, "Fn::Sub", "string", "variables")
    known = _children(variables.items(), scope)

    def replacement(match: re.Match[str]) -> str:
        name = match[1].strip()
        if name.startswith("!"):
            return "${" + name[1:] + "}"
        if name in known:
            return as_text(known[name])
        is_pseudo = name.startswith("AWS::")
        return as_text(_get_att(name, scope) if "." in name and not is_pseudo else _ref(name, scope))

    return _PLACEHOLDER.sub(replacement, text)


def _join(argument: TemplateValue, scope: Scope) -> str:
    delimiter, items = _arguments(argument, "Fn::Join", "delimiter", "list")
    return str(delimiter).join(as_text(item) for item in _list(items, "Fn::Join", scope))


def _list(value: TemplateValue, function: str, scope: Scope) -> list[TemplateValue]:
    resolved = _resolve(value, scope)
    if not isinstance(resolved, list):
        raise IntrinsicError(f"{function} takes a list, found {type(resolved).__name__}")
    return resolved


def _select(argument: TemplateValue, scope: Scope) -> TemplateValue:
    index, items = _arguments(argument, "Fn::Select", "index", "list")
    choices = _list(items, "Fn::Select", scope)
    position = as_text(_resolve(index, scope))
    if not position.isdigit() or int(position) >= len(choices):
        raise IntrinsicError(f"Fn::Select has no item {position}: the list holds {len(choices)}")
    return choices[int(position)]


def _split(argument: TemplateValue, scope: Scope) -> list[str]:
    delimiter, text = _arguments(argument, "Fn::Split", "delimiter", "string")
    return as_text(_resolve(text, scope)).split(delimiter)


def _find_in_map(argument: TemplateValue, scope: Scope) -> TemplateValue:
    keys = _arguments(_resolve(argument, scope), "Fn::FindInMap", "map", "first key", "second key")
    found: TemplateValue = scope.mappings
    for key in keys:
        if not isinstance(found, dict) or as_text(key) not in found:
            path = ".".join(map(as_text, keys))
            raise IntrinsicError(f"Fn::FindInMap finds no {path}: {as_text(key)} does not exist")
        found = found[as_text(key)]
    return found


def _to_json_string(argument: TemplateValue, scope: Scope) -> str:
    return json.dumps(_resolve(argument, scope), separators=(",", ":"))


def _if(argument: TemplateValue, scope: Scope) -> TemplateValue:
    name, when_true, when_false = _arguments(argument, "Fn::If", "condition", "value if true", "value if false")
    return _resolve(when_true if named_condition(name, scope) else when_false, scope)


_FUNCTIONS: Final[Mapping[str, Callable[[TemplateValue, Scope], TemplateValue]]] = {
    "Ref": _ref,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
    "Fn::ToJsonString": _to_json_string,
}


def named_condition(name: str, scope: Scope, _open: tuple[str, ...] = ()) -> bool:
    """Return whether the template's condition `name` holds."""
    if name in _open:
        raise IntrinsicError(f"conditions refer to each other in a circle: {' -> '.join((*_open, name))}")
    if name not in scope.conditions:
        known = ", ".join(sorted(scope.conditions)) or "none"
        raise IntrinsicError(f"the condition {name} does not exist; the template has {known}")
    return holds(scope.conditions[name], scope, (*_open, name))


def holds(expression: TemplateValue, scope: Scope, _open: tuple[str, ...] = ()) -> bool:
    """Evaluate a condition or the assertion of a rule."""
    if not isinstance(expression, dict) or len(expression) != 1:
        raise IntrinsicError("a condition is a map of one function")
    ((name, argument),) = expression.items()
    if name == "Condition":
        return named_condition(argument, scope, _open)
    if name in _COMBINATIONS:
        return _COMBINATIONS[name]([holds(part, scope, _open) for part in argument])
    if name in _COMPARISONS:
        left, right = (_resolve(side, scope) for side in _arguments(argument, name, "left", "right"))
        return _COMPARISONS[name](left, right)
    known = sorted({*_COMBINATIONS, *_COMPARISONS, "Condition"})
    raise IntrinsicError(f"the condition function {name} is not supported; supported are {', '.join(known)}")


def _texts(values: TemplateValue) -> list[str]:
    return [as_text(value) for value in (values if isinstance(values, list) else [values])]


_COMBINATIONS: Final[Mapping[str, Callable[[list[bool]], bool]]] = {
    "Fn::And": all,
    "Fn::Or": any,
    "Fn::Not": lambda parts: not parts[0],
}
_COMPARISONS: Final[Mapping[str, Callable[[TemplateValue, TemplateValue], bool]]] = {
    "Fn::Equals": lambda left, right: _texts(left) == _texts(right),
    "Fn::Contains": lambda values, value: as_text(value) in _texts(values),
    "Fn::EachMemberEquals": lambda values, value: all(item == as_text(value) for item in _texts(values)),
    "Fn::EachMemberIn": lambda values, allowed: set(_texts(values)) <= set(_texts(allowed)),
}
