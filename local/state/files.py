"""The bytes of kept objects: one file each, complete from the moment that it has its name."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Final
from uuid import uuid4

_PART: Final = ".part"


class Files:
    """A folder of files that never change."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError where the folder cannot be made."""
        self.folder: Final = folder
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, content: bytes) -> str:
        """Write a new file and return its name; raises OSError."""
        name = uuid4().hex
        part = self.folder / f"{name}{_PART}"
        part.write_bytes(content)
        part.rename(self.folder / name)
        return name

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""
        (self.folder / name).unlink(missing_ok=True)

    def sizes(self) -> dict[str, int]:
        """Return the bytes of each file."""
        with os.scandir(self.folder) as entries:
            return {entry.name: entry.stat().st_size for entry in entries}

    def sweep(self, wanted: Collection[str]) -> None:
        """Delete what a killed process left: parts, and files whose object was not kept or is gone."""
        for name in self.sizes():
            if name not in wanted:
                self.remove(name)


class KeptBytes:
    """A file as moto reads and replaces an object's buffer."""

    def __init__(self, path: str) -> None:
        """The path is a text, because ten thousand `Path`s take as long as all else of as many objects."""
        self._path, self._position = path, 0

    def seek(self, position: int) -> int:
        """Set the position."""
        self._position = position
        return position

    def read(self, size: int = -1) -> bytes:
        """Read from the position on."""
        with Path(self._path).open("rb") as file:
            file.seek(self._position)
            content = file.read(size)
        self._position += len(content)
        return content

    def close(self) -> None:
        """Do nothing: the file is open only while it is read."""
