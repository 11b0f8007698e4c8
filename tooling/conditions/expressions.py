"""What DynamoDB's expressions say less once one of their parts is left out."""

import re
from collections.abc import Iterator
from typing import Final

_NOTHING_LEFT: Final = "REMOVE nothing_that_is_there"
"""An update has to say something."""
_JOINTS: Final = re.compile(r"[()]|\b(?:AND|OR|BETWEEN)\b")
_CLAUSES: Final = re.compile(r"\b(SET|ADD|REMOVE|DELETE)\b")
_OPERATORS: Final = re.compile(r"(?<= )([+-])(?= )")
_PLACEHOLDERS: Final = re.compile(r"[#:]\w+")


def weaker_conditions(condition: str) -> Iterator[tuple[str, str]]:
    """What is left out, and the condition without it: one conjunct, or one alternative, however deep it stands."""
    for word, whats in (("OR", "the alternative "), ("AND", "")):
        parts = _split(condition, word)
        if len(parts) > 1:
            for number, part in enumerate(parts):
                yield f"without {whats}`{part}`", f" {word} ".join(parts[:number] + parts[number + 1 :])
                for left_out, weaker in weaker_conditions(part):
                    yield left_out, f" {word} ".join([*parts[:number], weaker, *parts[number + 1 :]])
            return
    if _is_wrapped(condition):
        for left_out, weaker in weaker_conditions(condition[1:-1].strip()):
            yield left_out, f"({weaker})"


def smaller_updates(update: str) -> Iterator[tuple[str, str]]:
    """What is left out, and the update without it: one action, or one term of a sum or difference."""
    actions = _actions(update)
    for number, (clause, action) in enumerate(actions):
        others = actions[:number], actions[number + 1 :]
        yield f"without `{clause} {action}`", _update([*others[0], *others[1]])
        target, is_assigned, value = action.partition(" = ")
        for shorter in _shorter_sums(value) if is_assigned else ():
            yield (
                f"`{target} = {shorter}` for `{action}`",
                _update([*others[0], (clause, f"{target} = {shorter}"), *others[1]]),
            )


def placeholders(*expressions: str) -> set[str]:
    """The names and values that expressions use."""
    return {found for expression in expressions for found in _PLACEHOLDERS.findall(expression)}


def _split(condition: str, word: str) -> list[str]:
    """The parts between the words `AND` or `OR` that stand in no parenthesis; a range's `AND` is no joint."""
    parts, depth, begin, in_range = list[str](), 0, 0, False
    for joint in _JOINTS.finditer(condition):
        found = joint.group()
        depth += (found == "(") - (found == ")")
        if depth or found in {"(", ")"}:
            continue
        if found == "AND" and in_range:
            in_range = False
        elif found == "BETWEEN":
            in_range = True
        elif found == word:
            parts.append(condition[begin : joint.start()].strip())
            begin = joint.end()
    return [*parts, condition[begin:].strip()]


def _is_wrapped(condition: str) -> bool:
    """Whether one pair of parentheses holds all of it."""
    if not (condition.startswith("(") and condition.endswith(")")):
        return False
    depth = 0
    for place, character in enumerate(condition):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return place == len(condition) - 1
    return False


def _actions(update: str) -> list[tuple[str, str]]:
    """Clause and action, as in `SET` and `#month = :month`."""
    words = _CLAUSES.split(update)
    return [
        (clause, action)
        for clause, actions in zip(words[1::2], words[2::2], strict=True)
        for action in _between_commas(actions)
    ]


def _between_commas(text: str) -> list[str]:
    found, depth, begin = list[str](), 0, 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            found.append(text[begin:place].strip())
            begin = place + 1
    return [*found, text[begin:].strip()]


def _shorter_sums(value: str) -> Iterator[str]:
    first, *rest = _OPERATORS.split(value)
    # DynamoDB adds or subtracts two operands, never more.
    if rest:
        operator, second = rest
        yield first.strip()
        if operator == "+":
            yield second.strip()


def _update(actions: list[tuple[str, str]]) -> str:
    of_clause: dict[str, list[str]] = {}
    for clause, action in actions:
        of_clause.setdefault(clause, []).append(action)
    return " ".join(f"{clause} {', '.join(those)}" for clause, those in of_clause.items()) or _NOTHING_LEFT
