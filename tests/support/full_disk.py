"""A disk that has room for so many bytes and no more, as the kernel has it: a short write, then a refused one."""

import errno
import io
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, Self

import pytest

from fermata import scratch


class _Disk:
    def __init__(self, room_bytes: int) -> None:
        self.room_bytes = room_bytes

    def taken(self, wanted: int) -> int:
        """How many of these bytes there is room for; raises where there is room for none."""
        if wanted and not self.room_bytes:
            raise OSError(errno.ENOSPC, "No space left on device")
        given = min(wanted, self.room_bytes)
        self.room_bytes -= given
        return given


class _Raw(io.FileIO):
    def __init__(self, path: str, disk: _Disk) -> None:
        super().__init__(path, "w+b")
        self._disk = disk

    def write(self, data: Any) -> int:  # noqa: ANN401 - whatever has bytes
        return super().write(memoryview(data)[: self._disk.taken(len(data))])


class _Named:
    """A file with a name and little room, as `NamedTemporaryFile` gives one."""

    def __init__(self, raw: _Raw) -> None:
        self._file = io.BufferedRandom(raw)
        self.name = str(raw.name)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a file has
        return getattr(self._file, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def fill(monkeypatch: pytest.MonkeyPatch, room_bytes: int) -> Callable[[], None]:
    """Leave so much room on the disk for all files that are made from now on; what is returned makes room again."""
    disk, numbers = _Disk(room_bytes), count()

    def named(*, dir: Path, prefix: str, delete: bool) -> _Named:  # noqa: A002, ARG001 - as `tempfile` calls it
        return _Named(_Raw(str(dir / f"{prefix}{next(numbers)}"), disk))

    class Spooled(tempfile.SpooledTemporaryFile[bytes]):
        def rollover(self) -> None:
            held = vars(self)["_file"]
            if isinstance(held, io.BytesIO):
                path = Path(vars(self)["_TemporaryFileArgs"]["dir"]) / f"spooled-{next(numbers)}"
                rolled = _Named(_Raw(str(path), disk))
                vars(self).update(_file=rolled, _rolled=True)
                path.unlink()
                rolled.write(held.getvalue())

    monkeypatch.setattr(scratch, "NamedTemporaryFile", named)
    monkeypatch.setattr(scratch, "SpooledTemporaryFile", Spooled)

    def make_room() -> None:
        monkeypatch.setattr(scratch, "NamedTemporaryFile", tempfile.NamedTemporaryFile)
        monkeypatch.setattr(scratch, "SpooledTemporaryFile", tempfile.SpooledTemporaryFile)

    return make_room
