"""Takes a JSON answer apart into its song and the bytes around the song's text, which together rebuild every byte."""

import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

MOST_AROUND: Final = 16 * 1024
"""The most bytes around the text of a song that is taken apart. MiniMax sends some 300."""

_DIGITS: Final = b"0123456789abcdefABCDEF"


class Case(Enum):
    """The letters among the hex digits of a text."""

    NONE = b""
    LOWER = b"abcdef"
    UPPER = b"ABCDEF"

    def is_in(self, digits: bytes) -> bool:
        """Whether the text has letters of this case. Six searches take a quarter of the time of `bytes.islower`."""
        return any(digits.find(letter) >= 0 for letter in self.value)


@dataclass(frozen=True)
class AroundSong:
    """The bytes before and after the hex text of a song, and whether the text is in capitals."""

    before: bytes
    after: bytes
    is_upper: bool = False

    def rebuilt(self, song: Iterable[bytes]) -> Iterator[bytes]:
        """The answer, byte for byte, from the song's bytes."""
        yield self.before
        for piece in song:
            text = binascii.hexlify(piece)
            yield text.upper() if self.is_upper else text
        yield self.after


@dataclass(frozen=True)
class Parted:
    """An answer's parts so far: all bytes before the text and after it, and those of the song that the last chunk
    completed; `half` is a digit that waits for the next.
    """

    before: bytes = b""
    song: bytes = b""
    after: bytes = b""
    half: bytes = b""
    case: Case = Case.NONE


class AnswerParts:
    """Takes one answer apart while it arrives, in chunks cut anywhere. Only a text of hex digits of one case can be
    taken apart, perhaps behind `0x`, and only with at most `MOST_AROUND` bytes around it.
    """

    def __init__(self) -> None:
        self._parts = Parted()
        self.song_bytes = 0
        """The bytes of the song so far."""

    def part(self, chunk: bytes, text: bytes) -> Parted | None:
        """The parts with the next chunk, or None where they would not rebuild it; `text` is the audio text that
        `AnswerScanner` found with this chunk. Nothing changes before they are added.
        """
        found = self._around(chunk, text)
        if found is None:
            return None
        before, digits, after = found
        case = self._case_with(digits)
        if case is None or len(before) + len(after) > MOST_AROUND:
            return None
        digits = self._parts.half + digits
        even = len(digits) - len(digits) % 2
        half = digits[even:]
        if half and (after or half not in _DIGITS):
            return None
        try:
            return Parted(before, binascii.unhexlify(digits[:even]), after, half, case)
        except binascii.Error:
            return None

    def add(self, parted: Parted) -> None:
        """Take these parts as those of the answer so far."""
        self._parts = parted
        self.song_bytes += len(parted.song)

    def rebuilt(self, song: Iterable[bytes]) -> Iterator[bytes]:
        """What was added so far, byte for byte, from the song's bytes so far."""
        parts = self._parts
        return AroundSong(parts.before, parts.half + parts.after, parts.case is Case.UPPER).rebuilt(song)

    def close(self) -> AroundSong | None:
        """What stands around the song, after the last chunk; None without a whole song."""
        parts = self._parts
        if not self.song_bytes or parts.half:
            return None
        return AroundSong(parts.before, parts.after, parts.case is Case.UPPER)

    def _around(self, chunk: bytes, text: bytes) -> tuple[bytes, bytes, bytes] | None:
        """All bytes before the text, its next digits, and all bytes after it; None where the text is elsewhere."""
        parts = self._parts
        if parts.after:
            return None if text else (parts.before, b"", parts.after + chunk)
        if self.song_bytes or parts.half:
            return (parts.before, text, chunk[len(text) :]) if chunk.startswith(text) else None
        # The scanner holds the first bytes of a text back, so that they may lie in an earlier chunk.
        whole = parts.before + chunk
        if not text:
            return whole, b"", b""
        at = whole.rfind(text)
        prefix = 2 if text.startswith((b"0x", b"0X")) else 0
        return None if at < 0 else (whole[: at + prefix], text[prefix:], whole[at + len(text) :])

    def _case_with(self, digits: bytes) -> Case | None:
        """The case of the text with these digits, or None where it has both."""
        known = self._parts.case
        if known is Case.NONE:
            lower, upper = Case.LOWER.is_in(digits), Case.UPPER.is_in(digits)
            if lower and upper:
                return None
            return Case.LOWER if lower else Case.UPPER if upper else Case.NONE
        other = Case.UPPER if known is Case.LOWER else Case.LOWER
        return None if other.is_in(digits) else known
