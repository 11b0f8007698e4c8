"""File names of downloaded songs."""

import re
import unicodedata
from typing import Final
from urllib.parse import quote

_LONGEST_NAME: Final = 80
"""Most code points of a title in a file name; a link contains the name encoded twice."""
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9 ._-]+")
_NOT_IN_A_FILE_NAME: Final = frozenset('<>:"/\\|?*')
_LINE_SEPARATORS: Final = frozenset({"Zl", "Zp"})


def attachment(title: str, otherwise: str, ending: str) -> str:
    """The `Content-Disposition` (RFC 6266) for saving a file by its title, or by `otherwise` if no character of the
    title is permitted; both followed by `ending`.

    `filename` is plain ASCII; `filename*` is added if the title needs more.
    """
    plain = (_NOT_PLAIN.sub("_", title)[:_LONGEST_NAME].strip(" ._") or otherwise) + ending
    whole = ("".join(map(_harmless, title))[:_LONGEST_NAME].strip(" ._") or otherwise) + ending
    exact = "" if whole == plain else f"; filename*=UTF-8''{quote(whole, safe='')}"
    return f'attachment; filename="{plain}"{exact}'


def _harmless(character: str) -> str:
    """The character, or `_` if a file name must not contain it: separators, invisible and bidirectional controls."""
    category = unicodedata.category(character)
    unfit = character in _NOT_IN_A_FILE_NAME or category.startswith("C") or category in _LINE_SEPARATORS
    return "_" if unfit else character
