"""The source files below some directories, and which of them changed."""

import contextlib
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

_SUFFIXES: Final = (".py", ".json", ".yaml", ".html", ".br", ".gz")
_SETTLE_S: Final = 0.01
_SETTLE_TIMES: Final = 20
_NEVER: Final = threading.Event()

Stamp = tuple[int, int, int]
"""Modification time in nanoseconds, size and inode of a file; a file that replaces another one has another inode."""


class SourceTree:
    """Notices changes of sources by their stamps. It reads no file, so that a look costs a few milliseconds.

    Byte code, hidden files, and what editors write beside a file (`x.py~`, `.x.py.swp`, `4913`, `#x.py#`) do not count.
    """

    def __init__(self, directories: Iterable[Path], files: Iterable[Path] = ()) -> None:
        self._directories, self._single = tuple(directories), tuple(files)
        self._known = self._stamps()

    def changes(self) -> frozenset[Path]:
        """Return the files that were written, replaced, added or removed since the last call.

        While files still change, it looks again for up to 0.2 s: an editor may take several steps for one save.
        """
        found = self._stamps()
        if found == self._known:
            return frozenset()
        for _ in range(_SETTLE_TIMES):
            _NEVER.wait(_SETTLE_S)
            before, found = found, self._stamps()
            if found == before:
                break
        before, self._known = self._known, found
        return frozenset(Path(path) for path in {*before, *found} if before.get(path) != found.get(path))

    def _stamps(self) -> Mapping[str, Stamp]:
        found = {path: stamp for directory in self._directories for path, stamp in _files(directory)}
        for path in self._single:
            with contextlib.suppress(OSError):
                found[str(path)] = _stamp(path.stat())
        return found


def fault_in(path: Path) -> str | None:
    """Return why a source cannot be read, with its line; None where it can be read, or is gone."""
    try:
        content = path.read_bytes()
        if path.suffix == ".py":
            compile(content, str(path), "exec", dont_inherit=True)
        elif path.suffix == ".json":
            json.loads(content)
    except (SyntaxError, json.JSONDecodeError) as error:
        return f"line {error.lineno or 1}: {error.msg}"
    except ValueError as error:
        return str(error)
    except OSError:
        return None
    return None


def forget_byte_code(path: Path) -> None:
    """Delete the byte code of a source, which Python takes for current where size and whole second are the same."""
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
        compiled.unlink(missing_ok=True)


def _files(place: Path) -> Iterator[tuple[str, Stamp]]:
    pending = [str(place)]
    while pending:
        for entry in _entries(pending.pop()):
            if entry.name.startswith((".", "#")) or entry.name == "__pycache__":
                continue
            # What vanishes between the list and the look is seen by the next look.
            with contextlib.suppress(OSError):
                if entry.name.endswith(_SUFFIXES):
                    yield entry.path, _stamp(entry.stat())
                elif entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)


def _stamp(found: os.stat_result) -> Stamp:
    return found.st_mtime_ns, found.st_size, found.st_ino


def _entries(directory: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except OSError:
        return []
