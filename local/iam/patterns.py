"""The texts of policies that stand for many: wildcards, variables, and the parts of an ARN.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, TypeAlias

Values: TypeAlias = tuple[str, ...]
Context: TypeAlias = Mapping[str, Values | Callable[[], Values]]
"""What a request says under each condition key, whose name is in lower case; some is found out only when asked."""

_VARIABLE: Final = re.compile(r"\$\{([^},]+)(?:,\s*'([^']*)')?\}")
_LITERALS: Final = frozenset("*?$")
_ARN_PARTS: Final = 6
_SEPARATORS: Final = _ARN_PARTS - 1


def values_of(context: Context, key: str) -> Values | None:
    """Return what a request says under a condition key, None where it says nothing."""
    found = context.get(key)
    return found() if callable(found) else found


def has_variables(pattern: str) -> bool:
    """Whether what a pattern matches depends on the caller."""
    return "${" in pattern


def fits(pattern: str, text: str, context: Context) -> bool:
    """Whether a pattern of a condition, with `*`, `?` and variables, stands for a text."""
    compiled = _compiled(pattern, context)
    return compiled is not None and compiled.fullmatch(text) is not None


def fits_action(pattern: str, action: str) -> bool:
    """Whether a pattern of an `Action` stands for one; their case does not matter."""
    return _glob(pattern.lower()).fullmatch(action.lower()) is not None


def fits_arn(pattern: str, arn: str, context: Context) -> bool:
    """Whether a pattern stands for an ARN: part by part, so that no wildcard reaches from one of the first five parts
    into the next. A function with a version or an alias is another resource than the one without.
    """
    if pattern == "*":
        return True
    parts, found = _split(pattern), arn.split(":", _SEPARATORS)
    if len(parts) != _ARN_PARTS or len(found) != _ARN_PARTS:
        return False
    return all(part == text or fits(part, text, context) for part, text in zip(parts, found, strict=True))


@lru_cache(maxsize=4096)
def _split(pattern: str) -> tuple[str, ...]:
    """The parts of an ARN's pattern; a colon within a variable separates nothing."""
    hidden = _VARIABLE.sub(lambda match: match[0].replace(":", "\0"), pattern)
    return tuple(part.replace("\0", ":") for part in hidden.split(":", _SEPARATORS))


def _compiled(pattern: str, context: Context) -> re.Pattern[str] | None:
    """A pattern with the caller's values in it, None where one is missing and has no default."""
    if not has_variables(pattern):
        return _glob(pattern)
    said = tuple(_said(match, context) for match in _VARIABLE.finditer(pattern))
    return None if None in said else _filled(pattern, said)


def _said(match: re.Match[str], context: Context) -> str | None:
    name, default = match[1].strip(), match[2]
    if name in _LITERALS:
        return name
    found = values_of(context, name.lower())
    return found[0] if found and len(found) == 1 else default


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(_as_expression(pattern), re.DOTALL)


@lru_cache(maxsize=1024)
def _filled(pattern: str, said: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern with the values of its variables, in which a wildcard is only a character."""
    between = _VARIABLE.split(pattern)[:: _VARIABLE.groups + 1]
    texts = [_as_expression(between[0])]
    for value, rest in zip(said, between[1:], strict=True):
        texts += [re.escape(value), _as_expression(rest)]
    return re.compile("".join(texts), re.DOTALL)


def _as_expression(pattern: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(each) or re.escape(each) for each in pattern)
