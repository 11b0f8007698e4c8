"""Reads pieces of a file through one block, so that neither a long song nor many small reads cost memory or calls."""

from collections.abc import Iterator
from typing import BinaryIO, Final

BLOCK_BYTES: Final = 64 * 1024
_FIRST_STEP: Final = 512


class ByteWindow:
    """Random access to the first `size` bytes of a file."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.size = size
        self._file = file
        self._block = b""
        self._block_at = 0

    def read(self, at: int, length: int) -> bytes:
        """The bytes from `at` on; fewer than `length` at the end."""
        length = min(length, self.size - at)
        if length <= 0:
            return b""
        offset = at - self._block_at
        if offset < 0 or offset + length > len(self._block):
            self._file.seek(at)
            self._block = self._file.read(min(max(length, BLOCK_BYTES), self.size - at))
            self._block_at, offset = at, 0
        return self._block[offset : offset + length]

    def number(self, at: int, length: int) -> int:
        """The big-endian number of `length` bytes at `at`; what lies beyond the end counts as missing, not as zero."""
        return int.from_bytes(self.read(at, length), "big")

    def blocks(self, start: int, end: int, overlap: int = 0) -> Iterator[tuple[int, bytes]]:
        """The bytes between two places in blocks, each with its place; each repeats `overlap` bytes of the next, so
        that a mark of up to one byte more is whole in one of them. Blocks begin small and grow, because what is
        searched is mostly near.
        """
        at, step, end = start, _FIRST_STEP, min(end, self.size)
        while at < end:
            yield at, self.read(at, min(step + overlap, end - at))
            at, step = at + step, min(2 * step, BLOCK_BYTES)

    def find(self, mark: bytes, start: int, end: int) -> int:
        """Where a mark stands between two places, or -1."""
        for at, block in self.blocks(start, end, overlap=len(mark) - 1):
            found = block.find(mark)
            if found >= 0:
                return at + found
        return -1
