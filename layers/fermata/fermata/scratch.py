"""Temporary files of one run, in a folder that other runs and processes may share. No other module writes to the disk.

Lambda keeps an environment's disk after it killed the process in it (a timeout, out of memory), so each use first
deletes the files of killed runs. A live run holds a lock on its file; the operating system releases the lock when the
process ends, however it ends.
"""

import errno
import fcntl
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile, SpooledTemporaryFile, gettempdir
from typing import IO, Any, Final, cast

from fermata.errors import DiskFullError
from fermata.log import logger

PREFIX: Final = "fermata-"
"""Prefix of every file name; no other file is ever deleted."""
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def disk() -> Path:
    """The folder for temporary files of this environment."""
    return Path(gettempdir())


@contextmanager
def scratch_file(folder: Path, name: str) -> Iterator[IO[bytes]]:
    """A named file that other code can open, deleted after the block. Raises `DiskFullError` if the disk is full, also
    for writes inside the block.
    """
    sweep(folder)
    with _room(), _locked_file(folder, name) as file:
        yield file


@contextmanager
def spooled_file(folder: Path, in_memory_bytes: int) -> Iterator[IO[bytes]]:
    """An unnamed file, in memory up to this size and on disk beyond it. Raises as `scratch_file` does."""
    sweep(folder)
    with _room(), SpooledTemporaryFile(in_memory_bytes, dir=str(folder), prefix=PREFIX) as file:
        yield file


def write_through(file: IO[bytes], data: bytes) -> None:
    """Write all of the data to a `scratch_file` past its buffer. If the disk is full, everything written before is
    still in the file.
    """
    # The buffer of a full disk would be written once more when the file is closed.
    raw: io.RawIOBase = cast("Any", file).raw
    left = memoryview(data)
    while left:
        left = left[raw.write(left) or 0 :]


def sweep(folder: Path) -> int:
    """Delete the files of killed runs and return their number; files of live runs stay."""
    swept = sum(_deleted_if_left(path) for path in folder.glob(f"{PREFIX}*"))
    if swept:
        logger.info("files of killed runs were deleted", extra={"files": swept})
    return swept


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        found = errno.errorcode[error.errno]
        raise DiskFullError(
            f"expected room on the disk for a file, found none ({found}); the step runs again"
        ) from error


@contextmanager
def _locked_file(folder: Path, name: str) -> Iterator[IO[bytes]]:
    while True:
        with NamedTemporaryFile(dir=folder, prefix=f"{PREFIX}{name}-", delete=False) as file:
            path = Path(file.name)
            fcntl.flock(file, fcntl.LOCK_EX)
            # Before the lock, another process may have deleted the file as one of a killed run.
            if not path.exists():
                continue
            try:
                yield file
            finally:
                path.unlink(missing_ok=True)
            return


def _deleted_if_left(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except OSError:
        # A live run holds it, another sweep was faster, or it belongs to another user.
        return False
    return True
