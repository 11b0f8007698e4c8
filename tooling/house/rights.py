"""How many statements of policies the template spells out, and how many differ."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_LISTS_WITHOUT_ORDER: Final = ("Action", "NotAction", "Resource", "NotResource")
_NAME: Final = "Sid"


@dataclass(frozen=True)
class Statements:
    """Policy statements: all that are written, and those that say something else than another."""

    distinct: int
    total: int


def count_statements(template: Mapping[str, Any]) -> Statements:
    """Count the statements under `Policies` of functions, state machines and roles, and those of managed policies. A
    SAM policy template counts as one statement, a policy that is only named as none.
    """
    written = [
        _canonical(statement)
        for resource in template.get("Resources", {}).values()
        for statement in _statements(resource.get("Type", ""), resource.get("Properties", {}))
    ]
    return Statements(len(set(written)), len(written))


def _statements(kind: str, properties: Mapping[str, Any]) -> Iterator[Any]:
    if kind in {"AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"}:
        yield from _listed(properties.get("PolicyDocument", {}).get("Statement", []))
    for policy in _listed(properties.get("Policies", [])):
        if isinstance(policy, Mapping):
            yield from _of_policy(policy)


def _of_policy(policy: Mapping[str, Any]) -> Iterator[Any]:
    document = policy.get("PolicyDocument", policy)
    if "Statement" in document:
        yield from _listed(document["Statement"])
    elif any(name.endswith("Policy") for name in document):
        yield document


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _canonical(statement: Mapping[str, Any]) -> str:
    said = {name: value for name, value in statement.items() if name != _NAME}
    for name in _LISTS_WITHOUT_ORDER:
        if name in said:
            said[name] = sorted(json.dumps(each, sort_keys=True) for each in _listed(said[name]))
    return json.dumps(said, sort_keys=True, default=str)
