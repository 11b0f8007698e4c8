"""The one way to the disk: files of one run, in a folder that other runs and other processes may share.

Lambda keeps an environment's disk after it killed the process in it (a timeout, out of memory), so each use first
deletes what killed runs left. A file belongs to a living run as long as somebody holds the lock on it, which the
system lets go with the process, however that ended.
"""

import errno
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile, SpooledTemporaryFile, gettempdir
from typing import IO, Final

from fermata.errors import DiskFullError
from fermata.log import logger

PREFIX: Final = "fermata-"
"""What the name of every file begins with; no other file is ever deleted."""
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def disk() -> Path:
    """The folder for temporary files of this environment."""
    return Path(gettempdir())


@contextmanager
def scratch_file(folder: Path, name: str) -> Iterator[IO[bytes]]:
    """A file with a name that others can open it by, gone after the block. Raises `DiskFullError` where it finds no
    room, wherever in the block that is noticed.
    """
    sweep(folder)
    with _room(), _locked_file(folder, name) as file:
        yield file


@contextmanager
def spooled_file(folder: Path, in_memory_bytes: int) -> Iterator[IO[bytes]]:
    """A file without a name, in memory up to this size and on disk beyond. Raises as `scratch_file` does."""
    sweep(folder)
    with _room(), SpooledTemporaryFile(in_memory_bytes, dir=str(folder), prefix=PREFIX) as file:
        yield file


def sweep(folder: Path) -> int:
    """Delete the files that killed runs left, and count them; those of living ones stay."""
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
            # Before it was locked, another process may have taken it for one that was left.
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
        # A living run has it, another one was faster, or it is some other user's.
        return False
    return True
