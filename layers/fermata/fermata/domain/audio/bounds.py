"""What reading a song may cost at most: a file that takes more is none, and no reason to try again."""

from collections.abc import Iterator
from contextlib import contextmanager

from fermata.errors import AudioTooComplexError


def too_complex(found: str) -> AudioTooComplexError:
    """The error for a file that takes too much work; `found` is a clause that says what of."""
    return AudioTooComplexError(
        f"expected a song, {found}; no song takes as much, so that the file is not read on: ask for another one"
    )


@contextmanager
def within_memory() -> Iterator[None]:
    """Raise `AudioTooComplexError` where what is done inside needs more memory than there is."""
    try:
        yield
    except MemoryError:
        raise too_complex("found a file that does not fit into the memory while it is read") from None
