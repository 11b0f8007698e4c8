"""How the models of AIML API that sing after a recording want their words."""

from typing import Final

_MARK: Final = "##"


def with_accompaniment(lyrics: str) -> str:
    """The words between the two marks that ask for an accompaniment, which a caller may have set already."""
    marked = len(lyrics) > 2 * len(_MARK) and lyrics.startswith(_MARK) and lyrics.endswith(_MARK)
    return lyrics if marked else f"{_MARK}{lyrics}{_MARK}"
