"""The conditions of a policy's statement.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from ipaddress import ip_address, ip_network
from typing import Any, Final, TypeAlias

from local.errors import UnsupportedTemplateError
from local.iam.patterns import Context, Values, fits, fits_arn, values_of

Compare: TypeAlias = Callable[[str, str, Context], bool]
"""Compares what a policy wants with what the request says."""

_ALL: Final = "ForAllValues:"
_ANY: Final = "ForAnyValue:"
_IF_EXISTS: Final = "IfExists"
_NULL: Final = "Null"
_MANY_VALUES: Final = frozenset({"dynamodb:attributes", "dynamodb:leadingkeys"})
"""Keys that AWS compares by a quantified operator only."""


@dataclass(frozen=True)
class Condition:
    """One key of one operator."""

    key: str
    """In lower case, in which keys are compared."""
    wanted: Values
    compare: Compare
    is_negated: bool = False
    quantifier: str = ""
    holds_when_absent: bool = False

    def holds(self, context: Context) -> bool:
        """Whether a request with this context fulfils it."""
        found = values_of(context, self.key)
        if not found:
            return self.holds_when_absent
        if self.quantifier == _ALL or (self.is_negated and self.quantifier != _ANY):
            return all(self._fits(value, context) for value in found)
        return any(self._fits(value, context) for value in found)

    def _fits(self, value: str, context: Context) -> bool:
        compare = self.compare
        return any(compare(wanted, value, context) for wanted in self.wanted) is not self.is_negated


@dataclass(frozen=True)
class Absence:
    """The operator `Null`: whether a request says something under a key, or nothing."""

    key: str
    is_wanted: bool

    def holds(self, context: Context) -> bool:
        """Whether a request with this context fulfils it."""
        return (values_of(context, self.key) is None) is self.is_wanted


def read_conditions(block: Mapping[str, Mapping[str, Any]]) -> tuple[Condition | Absence, ...]:
    """Return the conditions of a statement, all of which must hold. Raises `UnsupportedTemplateError` for an operator
    that IAM does not have.
    """
    return tuple(
        _condition(operator, key.lower(), as_texts(wanted))
        for operator, keys in block.items()
        for key, wanted in keys.items()
    )


def as_texts(value: object) -> Values:
    """Return the strings of a policy's element, which may be one alone; booleans as JSON writes them."""
    if isinstance(value, list | tuple):
        return tuple(text for each in value for text in as_texts(each))
    return (("true" if value else "false") if isinstance(value, bool) else str(value),)


def _condition(operator: str, key: str, wanted: Values) -> Condition | Absence:
    if operator == _NULL:
        return Absence(key, wanted[0].lower() == "true")
    quantifier = next((each for each in (_ALL, _ANY) if operator.startswith(each)), "")
    name = operator.removeprefix(quantifier).removesuffix(_IF_EXISTS)
    positive = _POSITIVE_OF.get(name, name)
    if positive not in _COMPARISONS:
        raise UnsupportedTemplateError([f"IAM has no condition operator {operator}"])
    is_negated = positive != name
    may_be_absent = quantifier == _ALL or (not quantifier and (is_negated or operator.endswith(_IF_EXISTS)))
    if key in _MANY_VALUES and not quantifier:
        raise UnsupportedTemplateError([f"{operator} on {key}, which has many values: say {_ALL} or {_ANY}"])
    return Condition(key, wanted, _COMPARISONS[positive], is_negated, quantifier, may_be_absent)


def _numbers(compare: Callable[[Decimal, Decimal], bool]) -> Compare:
    def compared(wanted: str, found: str, _context: Context) -> bool:
        try:
            return compare(Decimal(found), Decimal(wanted))
        except InvalidOperation:
            return False

    return compared


def _dates(compare: Callable[[datetime, datetime], bool]) -> Compare:
    def compared(wanted: str, found: str, _context: Context) -> bool:
        try:
            return compare(_instant(found), _instant(wanted))
        except ValueError:
            return False

    return compared


def _instant(text: str) -> datetime:
    if text.isdigit():
        return datetime.fromtimestamp(int(text), UTC)
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _is_within(wanted: str, found: str, _context: Context) -> bool:
    try:
        return ip_address(found) in ip_network(wanted, strict=False)
    except ValueError:
        return False


def _is_equal(wanted: str, found: str, context: Context) -> bool:
    # Variables are filled in here, too; a wildcard is a character.
    return wanted == found or ("${" in wanted and fits(_without_wildcards(wanted), found, context))


def _without_wildcards(text: str) -> str:
    return text.replace("*", "${*}").replace("?", "${?}") if "${" not in text else text


_COMPARISONS: Final[Mapping[str, Compare]] = {
    "StringEquals": _is_equal,
    "StringEqualsIgnoreCase": lambda wanted, found, context: _is_equal(wanted.lower(), found.lower(), context),
    "StringLike": fits,
    "NumericEquals": _numbers(lambda found, wanted: found == wanted),
    "NumericLessThan": _numbers(lambda found, wanted: found < wanted),
    "NumericLessThanEquals": _numbers(lambda found, wanted: found <= wanted),
    "NumericGreaterThan": _numbers(lambda found, wanted: found > wanted),
    "NumericGreaterThanEquals": _numbers(lambda found, wanted: found >= wanted),
    "DateEquals": _dates(lambda found, wanted: found == wanted),
    "DateLessThan": _dates(lambda found, wanted: found < wanted),
    "DateLessThanEquals": _dates(lambda found, wanted: found <= wanted),
    "DateGreaterThan": _dates(lambda found, wanted: found > wanted),
    "DateGreaterThanEquals": _dates(lambda found, wanted: found >= wanted),
    "Bool": lambda wanted, found, _context: wanted.lower() == found.lower(),
    "BinaryEquals": lambda wanted, found, _context: wanted == found,
    "IpAddress": _is_within,
    "ArnEquals": fits_arn,
    "ArnLike": fits_arn,
}
_POSITIVE_OF: Final[Mapping[str, str]] = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}
