"""Reads the boxes of an MP4 file in order (ISO 14496-12, section 4.2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fermata.adapters.audio.window import ByteWindow
from fermata.domain.audio.bounds import too_complex

_HEADER_BYTES: Final = 8
_WIDE_HEADER_BYTES: Final = 16
_WIDE, _TO_THE_END = 1, 0
# An hour in fragments of 100 ms has some 300,000.
_MOST_BOXES: Final = 500_000


@dataclass(frozen=True)
class Box:
    """One box. The present content lies between the offsets `at` and `end`; `announced_end` is the end by its header. A
    box that declares to reach to the end of the file ends there.
    """

    name: bytes
    at: int
    end: int
    announced_end: int


class BoxReader:
    """Reads the boxes of a file, up to a bound that no song reaches."""

    def __init__(self, window: ByteWindow) -> None:
        self.window = window
        self._left = _MOST_BOXES

    def inside(self, box: Box, skip: int = 0) -> Iterator[Box]:
        """The boxes inside a box, after `skip` bytes of its own."""
        return self.between(box.at + skip, box.end)

    def between(self, at: int, end: int) -> Iterator[Box]:
        """The boxes between two offsets; ends early at bytes that are no box. Raises `AudioTooComplexError` where there
        are too many.
        """
        while at + _HEADER_BYTES <= end:
            box = self._read(at, end)
            if box is None:
                return
            self._left -= 1
            if self._left < 0:
                raise too_complex(f"found more than {_MOST_BOXES} parts of an M4A file")
            yield box
            at = box.end

    def child(self, box: Box | None, *path: bytes) -> Box | None:
        """The first box along a path of names, or None."""
        for name in path:
            if box is None:
                return None
            box = next((each for each in self.inside(box) if each.name == name), None)
        return box

    def _read(self, at: int, end: int) -> Box | None:
        size, name, header = self.window.number(at, 4), self.window.read(at + 4, 4), _HEADER_BYTES
        if size == _WIDE:
            size, header = self.window.number(at + _HEADER_BYTES, 8), _WIDE_HEADER_BYTES
        elif size == _TO_THE_END:
            size = end - at
        if size < header or at + header > end:
            return None
        return Box(name, at + header, min(at + size, end), at + size)
