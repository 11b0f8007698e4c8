"""How large folders, modules and functions are."""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from tooling.house.sources import Module

_NOT_COUNTED: Final = frozenset({"__init__.py", "__main__.py", "conftest.py"})
_NINETIETH: Final = 0.9


@dataclass(frozen=True)
class Size:
    """How large something is; `what` names it by path."""

    what: str
    count: int


@dataclass(frozen=True)
class Spread:
    """The median, the 90th percentile (nearest rank) and the maximum of some sizes."""

    median: float
    p90: int
    largest: int


def folder_sizes(modules: Iterable[Module]) -> list[Size]:
    """Modules per folder, largest first; what every package has (`__init__.py` and the like) is not counted."""
    counted = Counter(module.path.parent for module in modules if module.path.name not in _NOT_COUNTED)
    return _largest_first(Size(folder.as_posix(), count) for folder, count in counted.items())


def module_sizes(modules: Iterable[Module]) -> list[Size]:
    """Lines per module, largest first."""
    return _largest_first(Size(module.path.as_posix(), module.lines) for module in modules)


def function_sizes(modules: Iterable[Module]) -> list[Size]:
    """Lines per function, method and nested function, largest first: from the line of `def`, so without decorators, to
    the last line, docstring included.
    """
    return _largest_first(
        Size(f"{module.path.as_posix()}:{name}", (node.end_lineno or node.lineno) - node.lineno + 1)
        for module in modules
        for name, node in functions_of(module.tree)
    )


def functions_of(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function of a tree under its qualified name."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
            yield from functions_of(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.ClassDef):
            yield from functions_of(node, f"{prefix}{node.name}.")
        else:
            yield from functions_of(node, prefix)


def over(sizes: Iterable[Size], limit: int) -> list[Size]:
    """The sizes that exceed a limit."""
    return [size for size in sizes if size.count > limit]


def within(sizes: Iterable[Size], folder: Path | str) -> list[Size]:
    """The sizes of what lies in a folder or below it."""
    return [size for size in sizes if Path(size.what).is_relative_to(folder)]


def spread(sizes: Iterable[Size]) -> Spread:
    """How sizes are spread; all zero for none."""
    counts = sorted(size.count for size in sizes)
    if not counts:
        return Spread(0, 0, 0)
    rank = -int(-_NINETIETH * len(counts) // 1)
    return Spread(median(counts), counts[rank - 1], counts[-1])


def _largest_first(sizes: Iterable[Size]) -> list[Size]:
    return sorted(sizes, key=lambda size: (-size.count, size.what))
