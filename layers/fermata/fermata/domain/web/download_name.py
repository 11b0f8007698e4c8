"""What a downloaded song is called."""

import re
import unicodedata
from typing import Final
from urllib.parse import quote

_LONGEST_NAME: Final = 80
"""Code points of a title that a name keeps; a link has all of them encoded twice."""
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9 ._-]+")
_NOT_IN_A_FILE_NAME: Final = frozenset('<>:"/\\|?*')
_LINE_SEPARATORS: Final = frozenset({"Zl", "Zp"})


def attachment(title: str, otherwise: str, ending: str) -> str:
    """The `Content-Disposition` (RFC 6266) that saves a file under a title, or under `otherwise` where nothing of the
    title can stay; both followed by `ending`.

    `filename` is plain ASCII for everybody; `filename*` is there where the title has more than that.
    """
    plain = (_NOT_PLAIN.sub("_", title)[:_LONGEST_NAME].strip(" ._") or otherwise) + ending
    whole = ("".join(map(_harmless, title))[:_LONGEST_NAME].strip(" ._") or otherwise) + ending
    exact = "" if whole == plain else f"; filename*=UTF-8''{quote(whole, safe='')}"
    return f'attachment; filename="{plain}"{exact}'


def _harmless(character: str) -> str:
    """A character as it may stand in a file's name: no separator, nothing invisible, no change of direction."""
    category = unicodedata.category(character)
    unfit = character in _NOT_IN_A_FILE_NAME or category.startswith("C") or category in _LINE_SEPARATORS
    return "_" if unfit else character
