"""Lyrics markup of AIML API's models that take a recording."""

from typing import Final

_MARK: Final = "##"


def with_accompaniment(lyrics: str) -> str:
    """The lyrics between the two marks that request an accompaniment; lyrics that have the marks stay unchanged."""
    marked = len(lyrics) > 2 * len(_MARK) and lyrics.startswith(_MARK) and lyrics.endswith(_MARK)
    return lyrics if marked else f"{_MARK}{lyrics}{_MARK}"
