"""The statements of policies, compiled once so that a call is judged in microseconds."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from local.errors import UnsupportedTemplateError
from local.iam.conditions import Absence, Condition, as_texts, read_conditions
from local.iam.patterns import Context, fits_action, fits_arn, has_variables

KNOWN_KEYS: Final = frozenset(
    {
        "aws:principalaccount", "aws:principalarn", "aws:principaltype", "aws:requestedregion", "aws:resourceaccount",
        "aws:securetransport", "aws:sourceaccount", "aws:sourcearn", "aws:sourceip", "dynamodb:attributes",
        "dynamodb:leadingkeys", "dynamodb:returnvalues", "dynamodb:select", "events:detail-type", "events:source",
        "iam:passedtoservice", "s3:delimiter", "s3:max-keys", "s3:prefix",
        "s3:versionid",
    }
)  # fmt: skip
"""The condition keys under which the laptop's requests say something. A policy with another one is refused, because a
key that nothing sets would let `ForAllValues` allow, and would keep a denial from denying.
"""
_KNOWN_PREFIXES: Final = ("aws:principaltag/",)
_VIA_SERVICE: Final = "kms:viaservice"
"""No call on the laptop uses a key of KMS, so a statement that allows nothing else is never asked."""
_KNOWN_ELEMENTS: Final = frozenset(
    {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition", "Principal"}
)
_MOST_REMEMBERED: Final = 20_000


@dataclass(frozen=True)
class Statement:
    """One statement of a policy. `name` is the policy's, a slash, and the statement's `Sid` or its number."""

    name: str
    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition | Absence, ...]
    all_but_actions: bool = False
    all_but_resources: bool = False
    principals: Mapping[str, tuple[str, ...]] | None = None
    """Kinds (`AWS`, `Service`) and names of the callers that a resource's policy means; None in a role's policy."""

    def is_about(self, action: str) -> bool:
        """Whether it allows or denies an action."""
        return any(fits_action(pattern, action) for pattern in self.actions) is not self.all_but_actions

    def covers(self, resource: str, context: Context) -> bool:
        """Whether it speaks of a resource."""
        return any(fits_arn(pattern, resource, context) for pattern in self.resources) is not self.all_but_resources

    def holds(self, context: Context) -> bool:
        """Whether all of its conditions hold."""
        return all(condition.holds(context) for condition in self.conditions)

    @property
    def depends_on_the_caller(self) -> bool:
        """Whether what it speaks of has variables."""
        return any(has_variables(pattern) for pattern in self.resources)


class Policies:
    """What applies to one role, or to one resource; remembers which statements speak of a resource."""

    def __init__(self, statements: Iterable[Statement] = ()) -> None:
        self.statements: Final = tuple(statements)
        self._about: dict[str, tuple[Statement, ...]] = {}
        self._applying: dict[tuple[str, str], tuple[Statement, ...]] = {}

    def applying(self, action: str, resource: str, context: Context) -> tuple[Statement, ...]:
        """Return the statements that speak of an action on a resource, whatever their conditions say."""
        known = self._applying.get((action, resource))
        if known is not None:
            return known
        about = self._about.get(action)
        if about is None:
            about = self._about[action] = tuple(each for each in self.statements if each.is_about(action))
        found = tuple(each for each in about if each.covers(resource, context))
        if not any(each.depends_on_the_caller for each in about):
            if len(self._applying) >= _MOST_REMEMBERED:
                self._applying.clear()
            self._applying[action, resource] = found
        return found


def read_policy(name: str, document: Mapping[str, Any]) -> tuple[Statement, ...]:
    """Compile a policy. Raises `UnsupportedTemplateError` with each element, operator or condition key that the laptop
    cannot judge.
    """
    written = document.get("Statement", [])
    statements = written if isinstance(written, list) else [written]
    named = [(f"{name}/{each.get('Sid') or number}", each) for number, each in enumerate(statements)]
    problems = [problem for label, each in named for problem in _problems(label, each)]
    if problems:
        raise UnsupportedTemplateError(problems)
    return tuple(_statement(label, each) for label, each in named)


def _statement(name: str, written: Mapping[str, Any]) -> Statement:
    principal = written.get("Principal")
    return Statement(
        name=name,
        allows=written["Effect"] == "Allow",
        actions=as_texts(written.get("Action", written.get("NotAction", []))),
        resources=as_texts(written.get("Resource", written.get("NotResource", "*"))),
        conditions=read_conditions(written.get("Condition", {})),
        all_but_actions="NotAction" in written,
        all_but_resources="NotResource" in written,
        principals=None if principal is None else _principals(principal),
    )


def _principals(written: object) -> Mapping[str, tuple[str, ...]]:
    if isinstance(written, Mapping):
        return {str(kind): as_texts(names) for kind, names in written.items()}
    return {"AWS": as_texts(written)}


def _problems(label: str, written: Mapping[str, Any]) -> Iterator[str]:
    for element in sorted(set(written) - _KNOWN_ELEMENTS):
        yield f"policy {label}: the laptop cannot judge {element}"
    for key in sorted({key for keys in written.get("Condition", {}).values() for key in keys}):
        if key.lower() == _VIA_SERVICE and _allows_keys_alone(written):
            continue
        if key.lower() not in KNOWN_KEYS and not key.lower().startswith(_KNOWN_PREFIXES):
            yield f"policy {label}: no request on the laptop says anything under the condition key {key}"


def _allows_keys_alone(written: Mapping[str, Any]) -> bool:
    actions = written.get("Action", [])
    named = [actions] if isinstance(actions, str) else actions
    return written.get("Effect") == "Allow" and bool(named) and all(each.startswith("kms:") for each in named)
