"""Bounds on the cost of reading a song: a file that exceeds them is not a song, and another try does not help."""

from collections.abc import Iterator
from contextlib import contextmanager

from fermata.errors import AudioTooComplexError


def too_complex(found: str) -> AudioTooComplexError:
    """The error for a file that takes too much work; the clause `found` names the excess."""
    return AudioTooComplexError(
        f"expected audio, {found}; no song or speech needs as much, so the rest of the file is not read; order again"
    )


@contextmanager
def within_memory() -> Iterator[None]:
    """Raise `AudioTooComplexError` if the block runs out of memory."""
    try:
        yield
    except MemoryError:
        raise too_complex("found a file that does not fit into the memory while it is read") from None
