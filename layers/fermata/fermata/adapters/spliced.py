"""A file made of spans of another file and of bytes, without writing it."""

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import BinaryIO

from fermata.domain.audio.marks import Part


class SplicedFile:
    """The `parts` one after the other, as a file to read; their spans are of the open file `file`, whose position
    moves with this one's. `size` is in bytes.
    """

    def __init__(self, file: BinaryIO, parts: Sequence[Part]) -> None:
        self._file = file
        self._parts = [part for part in parts if _length(part)]
        self._starts = list(accumulate(map(_length, self._parts), initial=0))
        self._at = 0
        self.size = self._starts[-1]

    def tell(self) -> int:
        """The position in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to an offset from the start, the position or the end, and return the new position."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """The next `size` bytes, fewer at the end; all of them without a size."""
        left = max(0, self.size - self._at)
        left = left if size < 0 else min(size, left)
        pieces = []
        while left and (piece := self._piece(left)):
            pieces.append(piece)
            left -= len(piece)
            self._at += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _piece(self, most: int) -> bytes:
        index = bisect_right(self._starts, self._at) - 1
        part, skipped = self._parts[index], self._at - self._starts[index]
        if isinstance(part, bytes):
            return part[skipped : skipped + most]
        self._file.seek(part.at + skipped)
        return self._file.read(min(most, part.length - skipped))


def _length(part: Part) -> int:
    return len(part) if isinstance(part, bytes) else part.length
