"""Finds the modules below a root and reads them once."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

SHIPPED: Final = ("layers", "client", "functions", "cli", "local", "tooling")
"""Top-level folders whose code is deployed or run. Those that do not exist are passed over."""
TESTS: Final = ("tests",)
_ON_THE_PATH: Final = {"layers": 2, "client": 1}
"""Top-level folders with packages of their own, and how deep these lie: layers/<layer>/<package>/..."""
_NOT_OURS: Final = frozenset({"__pycache__", "node_modules"})


@dataclass(frozen=True)
class Module:
    """A module under its import name; `path` is relative to the root."""

    name: str
    path: Path
    tree: ast.Module
    lines: int

    @property
    def is_package(self) -> bool:
        """Whether this is the `__init__.py` of a package."""
        return self.path.name == "__init__.py"


def read_modules(root: Path, folders: Iterable[str]) -> list[Module]:
    """Every module below these folders of the root, in the order of their paths."""
    return [_read(root, path) for folder in folders for path in _python_files(root / folder)]


def _python_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).parts
        if not any(part in _NOT_OURS or part.startswith(".") for part in parts):
            yield path


def _read(root: Path, path: Path) -> Module:
    text = path.read_text("utf-8")
    relative = path.relative_to(root)
    return Module(_import_name(relative), relative, _parsed(text, str(relative)), len(text.splitlines()))


@cache
def _parsed(text: str, name: str) -> ast.Module:
    """The tree, which all figures share: parsing takes most of the time that they take."""
    return ast.parse(text, name)


def _import_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    parts = parts[_ON_THE_PATH.get(parts[0], 0) :]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
