"""Reads pieces of a file through one block, so that neither a long song nor many small reads cost memory or calls."""

from collections.abc import Iterator
from typing import BinaryIO, Final

from fermata.domain.audio.bounds import too_complex

BLOCK_BYTES: Final = 64 * 1024
_FIRST_STEP: Final = 512

MOST_STEPS: Final = 3_000_000
"""Steps of work that measuring a file may take, some 2 microseconds each; seven hours of MP3 take two million."""
OCTETS_A_STEP: Final = 32
"""How many bytes that are looked at one by one count as a step."""
_READS_OF_A_FILE: Final = 4
_READ_BYTES: Final = 64 * 1024 * 1024
"""How often a file may be read altogether, and how much of a small one; a song is read once, or less."""


class ByteWindow:
    """Random access to the first `size` bytes of a file, as long as the budgets of work and of bytes last: the layout
    of a file may lead its reader anywhere, and again and again. `steps` and `loaded_bytes` are what was spent.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.size = size
        self.steps = 0
        self.loaded_bytes = 0
        self._file = file
        self._block = b""
        self._block_at = 0

    def read(self, at: int, length: int) -> bytes:
        """The bytes from `at` on; fewer than `length` at the end. Raises `AudioTooComplexError` as `spend` does."""
        self.spend(1)
        length = min(length, self.size - at)
        if length <= 0:
            return b""
        offset = at - self._block_at
        if offset < 0 or offset + length > len(self._block):
            wanted = min(max(length, BLOCK_BYTES), self.size - at)
            self.loaded_bytes += wanted
            if self.loaded_bytes > _READS_OF_A_FILE * self.size + _READ_BYTES:
                raise too_complex(f"found that {self.loaded_bytes} bytes are to be read of {self.size}")
            self._file.seek(at)
            self._block = self._file.read(wanted)
            self._block_at, offset = at, 0
        return self._block[offset : offset + length]

    def spend(self, steps: int) -> None:
        """Count steps of work; raises `AudioTooComplexError` where there were more than any song needs."""
        self.steps += steps
        if self.steps > MOST_STEPS:
            raise too_complex(f"found more than {MOST_STEPS} steps of work in its layout")

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
