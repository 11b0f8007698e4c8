"""Reads a file through one buffered block, so that memory stays constant and small reads need no system call."""

from collections.abc import Iterator
from typing import Final, Protocol

from fermata.domain.audio.bounds import too_complex

BLOCK_BYTES: Final = 64 * 1024
_FIRST_STEP: Final = 512

MOST_STEPS: Final = 3_000_000
"""Most steps of work for a file, some 2 microseconds each; seven hours of MP3 take two million."""
OCTETS_A_STEP: Final = 32
"""Bytes that are examined one by one and count as one step together."""
_READS_OF_A_FILE: Final = 4
_READ_BYTES: Final = 64 * 1024 * 1024
"""The read budget is four times the file's size plus this many bytes; a song is read at most once."""


class ReadableFile(Protocol):
    """What a window needs of a file, which may exist in parts only."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move to an offset."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""


class ByteWindow:
    """Random access to the first `size` bytes of a file within budgets of work and of bytes, because a hostile layout
    may make its reader jump back again and again. `steps` and `loaded_bytes` are the spent amounts.
    """

    def __init__(self, file: ReadableFile, size: int) -> None:
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
        block, offset = self._load(at, length)
        return block[offset : offset + length]

    def loaded(self, at: int, length: int) -> tuple[bytes, int]:
        """The block that is in memory with `length` bytes from `at` on, or fewer at the end, and the offset of `at`
        in it. Counts no step: the caller spends those of what it looks at.
        """
        return self._load(at, min(length, self.size - at))

    def _load(self, at: int, length: int) -> tuple[bytes, int]:
        offset = at - self._block_at
        if offset < 0 or offset + length > len(self._block):
            wanted = min(max(length, BLOCK_BYTES), self.size - at)
            self.loaded_bytes += wanted
            if self.loaded_bytes > _READS_OF_A_FILE * self.size + _READ_BYTES:
                raise too_complex(f"found that {self.loaded_bytes} bytes are to be read of {self.size}")
            self._file.seek(at)
            self._block = self._file.read(wanted)
            self._block_at, offset = at, 0
        return self._block, offset

    def spend(self, steps: int) -> None:
        """Count steps of work; raises `AudioTooComplexError` beyond `MOST_STEPS`."""
        self.steps += steps
        if self.steps > MOST_STEPS:
            raise too_complex(f"found more than {MOST_STEPS} steps of work in its layout")

    def number(self, at: int, length: int) -> int:
        """The big-endian number of `length` bytes at `at`; bytes beyond the end are left out, not read as zero."""
        return int.from_bytes(self.read(at, length), "big")

    def blocks(self, start: int, end: int, overlap: int = 0) -> Iterator[tuple[int, bytes]]:
        """The bytes between two offsets in blocks, each with its offset. Each block repeats the first `overlap` bytes
        of the next, so that a mark of up to `overlap + 1` bytes is whole in one block. Blocks begin small and grow,
        because a searched mark is mostly near.
        """
        at, step, end = start, _FIRST_STEP, min(end, self.size)
        while at < end:
            yield at, self.read(at, min(step + overlap, end - at))
            at, step = at + step, min(2 * step, BLOCK_BYTES)

    def find(self, mark: bytes, start: int, end: int) -> int:
        """The offset of a mark between two offsets, or -1."""
        for at, block in self.blocks(start, end, overlap=len(mark) - 1):
            found = block.find(mark)
            if found >= 0:
                return at + found
        return -1
