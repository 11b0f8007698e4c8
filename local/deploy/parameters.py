"""A template's parameters and rules: reads the given values and checks that the template allows them."""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from local.deploy.intrinsics import IntrinsicError, ParameterValue, Scope, TemplateValue, holds
from local.errors import RefusedParameterError, UnknownParameterError, UnsupportedTemplateError

_LIST_TYPES: Final = frozenset({"CommaDelimitedList", "List<Number>"})
_TYPES: Final = frozenset({"String", "Number"}) | _LIST_TYPES


MOST_VALUE_BYTES: Final = 4096
"""Maximum length of a parameter's value in CloudFormation."""


def read_parameters(template: Mapping[str, TemplateValue], given: Mapping[str, str]) -> dict[str, ParameterValue]:
    """Return every parameter's value as `Ref` sees it, or raise an error that names each refused value."""
    declared: Mapping[str, Mapping[str, Any]] = template.get("Parameters", {})
    _refuse_unknown_names(given, declared)
    _refuse_unsupported_types(declared)
    problems = [
        problem for name, declaration in declared.items() for problem in _problems(name, declaration, given.get(name))
    ]
    if problems:
        raise RefusedParameterError("\n".join(problems))
    values = {name: _as_ref_sees_it(declaration, given.get(name)) for name, declaration in declared.items()}
    _refuse_broken_rules(template.get("Rules", {}), values)
    return values


def _refuse_unknown_names(given: Mapping[str, str], declared: Mapping[str, Any]) -> None:
    problems = []
    for name in sorted(set(given) - set(declared)):
        nearest = difflib.get_close_matches(name, declared, n=1)
        hint = f"did you mean {nearest[0]}? " if nearest else ""
        known = ", ".join(sorted(declared)) or "none"
        problems.append(f"unknown template parameter {name}: {hint}The template has {known}")
    if problems:
        raise UnknownParameterError("\n".join(problems))


def _refuse_unsupported_types(declared: Mapping[str, Mapping[str, Any]]) -> None:
    known = ", ".join(sorted(_TYPES))
    problems = [
        f"parameter {name}: the type {declaration.get('Type')} is not supported; supported are {known}"
        for name, declaration in declared.items()
        if declaration.get("Type") not in _TYPES
    ]
    if problems:
        raise UnsupportedTemplateError(problems)


def _text(declaration: Mapping[str, Any], given: str | None) -> str | None:
    if given is not None or "Default" not in declaration:
        return given
    default = declaration["Default"]
    return str(default).lower() if isinstance(default, bool) else str(default)


def _as_ref_sees_it(declaration: Mapping[str, Any], given: str | None) -> ParameterValue:
    text = _text(declaration, given) or ""
    return [item.strip() for item in text.split(",")] if declaration["Type"] in _LIST_TYPES else text


def _problems(name: str, declaration: Mapping[str, Any], given: str | None) -> Iterator[str]:
    if _text(declaration, given) is None:
        yield f"parameter {name}: no value was given and the template has no default; pass one"
        return
    if len((given or "").encode()) > MOST_VALUE_BYTES:
        yield f"parameter {name}: expected at most {MOST_VALUE_BYTES} bytes, which is CloudFormation's limit"
        return
    value = _as_ref_sees_it(declaration, given)
    items = value if isinstance(value, list) else [value]
    for item in items:
        expected = next(_broken_constraints(declaration, item), None)
        if expected:
            found = "a value that is not shown" if declaration.get("NoEcho") else repr(item)
            yield f"parameter {name}: expected {declaration.get('ConstraintDescription', expected)}, found {found}"


def _broken_constraints(declaration: Mapping[str, Any], item: str) -> Iterator[str]:
    """Yield the expectation of each constraint that `item` breaks."""
    allowed = [str(value) for value in declaration.get("AllowedValues", [])]
    if allowed and item not in allowed:
        yield f"one of {', '.join(allowed)}"
    # CloudFormation matches the whole value.
    if "AllowedPattern" in declaration and not re.fullmatch(declaration["AllowedPattern"], item):
        yield f"a value that matches {declaration['AllowedPattern']}"
    if declaration["Type"].endswith(("Number", "<Number>")):
        yield from _broken_bounds(declaration, item)
    if len(item) < int(declaration.get("MinLength", 0)):
        yield f"at least {declaration['MinLength']} characters"
    if "MaxLength" in declaration and len(item) > int(declaration["MaxLength"]):
        yield f"at most {declaration['MaxLength']} characters"


def _broken_bounds(declaration: Mapping[str, Any], item: str) -> Iterator[str]:
    if not re.fullmatch(r"[+-]?\d+(\.\d+)?", item):
        yield "a number"
    elif "MinValue" in declaration and float(item) < float(declaration["MinValue"]):
        yield f"at least {declaration['MinValue']}"
    elif "MaxValue" in declaration and float(item) > float(declaration["MaxValue"]):
        yield f"at most {declaration['MaxValue']}"


def _refuse_broken_rules(rules: Mapping[str, Mapping[str, Any]], values: Mapping[str, ParameterValue]) -> None:
    scope = Scope(parameters=values)
    refused: list[str] = []
    unsupported: list[str] = []
    for name, rule in rules.items():
        try:
            refused.extend(_broken_assertions(name, rule, scope))
        except IntrinsicError as error:
            unsupported.append(f"rule {name}: {error}")
    if unsupported:
        raise UnsupportedTemplateError(unsupported)
    if refused:
        raise RefusedParameterError("\n".join(refused))


def _broken_assertions(name: str, rule: Mapping[str, Any], scope: Scope) -> Iterator[str]:
    if "RuleCondition" in rule and not holds(rule["RuleCondition"], scope):
        return
    for assertion in rule["Assertions"]:
        if not holds(assertion["Assert"], scope):
            yield f"rule {name}: {assertion.get('AssertDescription', 'these parameter values do not go together')}"
