"""Text from outside, made harmless for terminals and logs."""

import unicodedata
from typing import Final

_LONGEST: Final = 2_000
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of what a terminal obeys or does not show: controls, marks of direction, halves of characters."""


def plain(text: str, longest: int = _LONGEST) -> str:
    """The text on one line, without control characters or marks of direction, so that a terminal only shows it.

    Line breaks and tabs become spaces, everything else that is hidden is replaced. What is longer is cut.
    """
    shown = "".join(_shown(character) for character in text[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def _shown(character: str) -> str:
    if character in "\n\r\t":
        return " "
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in _HIDDEN else character
