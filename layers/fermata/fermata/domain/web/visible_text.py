"""Detects texts without visible characters."""

import unicodedata
from typing import Final

# Separators, control and format characters, and combining marks.
_UNSEEN_CATEGORIES: Final = ("Z", "Cc", "Cf", "M")

# The Hangul fillers, which count as letters, and two blank glyphs: the empty Braille pattern and the null notehead. The
# fillers and the ranges below are Unicode's Default_Ignorable_Code_Point.
_UNSEEN: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800\U0001d159")
_IGNORED: Final = (range(0x2065, 0x2066), range(0xFFF0, 0xFFF9), range(0xE0000, 0xE1000))


def is_blank(text: str) -> bool:
    """Whether a text is empty or consists only of white space, zero-width, control and other invisible characters."""
    return all(map(_is_unseen, text))


def _is_unseen(character: str) -> bool:
    if character in _UNSEEN or unicodedata.category(character).startswith(_UNSEEN_CATEGORIES):
        return True
    return any(ord(character) in ignored for ignored in _IGNORED)
