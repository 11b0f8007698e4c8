"""A state machine as boxes and curves: each state in the row of its fewest steps from the start."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

BOX_WIDTH: Final = 168
BOX_HEIGHT: Final = 40
_GAP_X: Final = 28
_GAP_Y: Final = 60
_MARGIN: Final = 70
"""Room at both sides for the curves that lead back up."""


@dataclass(frozen=True)
class Box:
    """A state; `mark` is `entered`, `failed`, `current` or empty. Lengths are in pixels from the top left."""

    name: str
    kind: str
    x: int
    y: int
    mark: str


@dataclass(frozen=True)
class Arrow:
    """A transition as the `d` of an SVG path; `on_error` for those that a Catch makes, `is_taken` for those that the
    execution took.
    """

    path: str
    on_error: bool
    is_taken: bool


@dataclass(frozen=True)
class Drawing:
    """All boxes and arrows, and the size of the whole."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def draw(definition: Mapping[str, Any], entered: Sequence[str] = (), current: str = "", failed: str = "") -> Drawing:
    """Draw a machine's definition, with the states that an execution entered, in this order, marked."""
    rows = _rows(definition)
    width = max(len(row) for row in rows) * (BOX_WIDTH + _GAP_X) - _GAP_X + 2 * _MARGIN
    places: dict[str, tuple[int, int]] = {}
    for number, row in enumerate(rows):
        left = (width - len(row) * (BOX_WIDTH + _GAP_X) + _GAP_X) // 2
        for place, name in enumerate(row):
            places[name] = (left + place * (BOX_WIDTH + _GAP_X), 10 + number * (BOX_HEIGHT + _GAP_Y))
    marks = {**dict.fromkeys(entered, "entered"), current: "current", failed: "failed"}
    states, taken = definition["States"], set(pairwise(entered))
    boxes = tuple(Box(name, states[name]["Type"], *place, marks.get(name, "")) for name, place in places.items())
    arrows = tuple(
        Arrow(_curve(places[name], places[target]), on_error, (name, target) in taken)
        for name in places
        for target, on_error in _targets(states[name])
    )
    return Drawing(width, 20 + len(rows) * (BOX_HEIGHT + _GAP_Y) - _GAP_Y, boxes, arrows)


def _targets(state: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Where a state leads, each once, and whether only an error leads there."""
    usual = [state.get("Next"), *(choice.get("Next") for choice in state.get("Choices", ())), state.get("Default")]
    ways = dict.fromkeys(name for name in usual if name)
    yield from ((name, False) for name in ways)
    on_error = dict.fromkeys(catch["Next"] for catch in state.get("Catch", ()))
    yield from ((name, True) for name in on_error if name not in ways)


def _rows(definition: Mapping[str, Any]) -> list[list[str]]:
    """The states by their fewest steps from the start; within a row in the order in which they are led to."""
    states, rows = definition["States"], [[str(definition["StartAt"])]]
    seen = {*rows[0]}
    while rows[-1]:
        following = [target for name in rows[-1] for target, _ in _targets(states[name])]
        rows.append([name for name in dict.fromkeys(following) if name not in seen])
        seen.update(rows[-1])
    return rows[:-1]


def _curve(start: tuple[int, int], end: tuple[int, int]) -> str:
    """A curve from one box to another: down from its bottom, or around its side to where it leads back."""
    (x1, y1), (x2, y2) = start, end
    if y2 > y1:
        left, top, right, bottom = x1 + BOX_WIDTH // 2, y1 + BOX_HEIGHT, x2 + BOX_WIDTH // 2, y2
        middle = (top + bottom) // 2
        return f"M{left},{top} C{left},{middle} {right},{middle} {right},{bottom}"
    side = BOX_WIDTH if x2 >= x1 else 0
    outside = (max(x1, x2) + BOX_WIDTH + _MARGIN - 10) if side else (min(x1, x2) - _MARGIN + 10)
    from_y, to_y = y1 + BOX_HEIGHT // 2, y2 + BOX_HEIGHT // 2
    if y2 == y1:
        # Beside each other: over the top, so that the curve does not cross what lies between.
        above, left, right = y1 - _GAP_Y // 2, x1 + BOX_WIDTH // 2, x2 + BOX_WIDTH // 2
        return f"M{left},{y1} C{left},{above} {right},{above} {right},{y2}"
    return f"M{x1 + side},{from_y} C{outside},{from_y} {outside},{to_y} {x2 + side},{to_y}"
