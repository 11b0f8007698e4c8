"""The modules that handlers import, read from their sources without running them."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from local.deploy.deployment import FunctionSpec


def imports_of(functions: Iterable[FunctionSpec]) -> list[str]:
    """Return the modules that handlers import, and the imports of those from a layer and of their sibling modules, late
    imports included.

    They do not include AWS's runtime client, which reads its environment's address when it is imported.
    """
    found: set[str] = set()
    layers: dict[tuple[Path, ...], _Sources] = {}
    for spec in functions:
        direct = _direct(spec)
        layer = layers.setdefault(spec.layer_dirs, _Sources(spec.layer_dirs))
        found |= direct.union(*(layer.imports_of_siblings(name) for name in direct))
    return sorted(found)


def first_imports_of(functions: Iterable[FunctionSpec]) -> list[str]:
    """Return the modules without which no handler can be imported, a part of `imports_of`, and those of the layers that
    handlers take from their package by name.
    """
    found: set[str] = set()
    for spec in functions:
        layer = _Sources(spec.layer_dirs)
        found |= _direct(spec) | {name for name in _names(_handler(spec))[1] if layer.find(name)}
    return sorted(found)


def outside_imports_of(functions: Iterable[FunctionSpec]) -> list[str]:
    """Return the part of `imports_of` that lies in no layer of the functions, nor in the packages of one."""
    known = list(functions)
    layers = _Sources(tuple(dict.fromkeys(path for spec in known for path in spec.python_path)))
    return [name for name in imports_of(known) if not (layers.find(name.partition(".")[0]) or layers.find(name))]


def _direct(spec: FunctionSpec) -> set[str]:
    code = _Sources((spec.code_dir,))
    return {name for name in _names(_handler(spec))[0] if code.find(name) is None}


def _handler(spec: FunctionSpec) -> Path:
    return spec.code_dir.joinpath(*spec.handler.split(".")[:-1]).with_suffix(".py")


class _Sources:
    """The sources in some directories; each is searched and parsed once, because most handlers import the same."""

    def __init__(self, directories: tuple[Path, ...]) -> None:
        self._directories = directories
        self._found: dict[str, Path | None] = {}
        self._imports: dict[Path, frozenset[str]] = {}

    def find(self, module: str) -> Path | None:
        """Return the source of a module, or None where it is not in these directories."""
        if module not in self._found:
            self._found[module] = self._search(module)
        return self._found[module]

    def _search(self, module: str) -> Path | None:
        package = module.rpartition(".")[0]
        # Most names that are asked for are classes and functions of a module, which holds no modules.
        if package and (parent := self.find(package)) and parent.name != "__init__.py":
            return None
        paths = (directory.joinpath(*module.split(".")) for directory in self._directories)
        sources = (source for path in paths for source in (path.with_suffix(".py"), path / "__init__.py"))
        return next((source for source in sources if source.is_file()), None)

    def imports_of_siblings(self, module: str) -> set[str]:
        """Return what a module and the modules of its folder that it needs import; nothing for one from elsewhere."""
        first = self.find(module)
        followed: set[Path] = set()
        pending = [first] if first else []
        while pending:
            source = pending.pop()
            followed.add(source)
            sources = {self.find(name) for name in self._imports_in(source)} - followed
            pending += [each for each in sources if each and each.parent == source.parent]
        return set().union(*(self._imports_in(source) for source in followed))

    def _imports_in(self, source: Path) -> frozenset[str]:
        """The modules that a source imports, also those of these directories as in `from package import module`."""
        if source not in self._imports:
            plain, members = _names(source)
            self._imports[source] = plain | {name for name in members if self.find(name)}
        return self._imports[source]


def _names(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """The modules that a source imports, and the names that it imports from them, which may be modules, too."""
    try:
        stamp = path.stat()
        return _import_statements(path, stamp.st_mtime_ns, stamp.st_size)
    except (OSError, SyntaxError, ValueError):
        # The function itself reports the error when it starts.
        return frozenset(), frozenset()


# Kept for a reload, after which most sources are what they were.
@cache
def _import_statements(path: Path, _modified_ns: int, _size: int) -> tuple[frozenset[str], frozenset[str]]:
    nodes = list(_statements(ast.parse(path.read_bytes())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    origins = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    members = {f"{node.module}.{alias.name}" for node in origins for alias in node.names}
    return frozenset(plain | {str(node.module) for node in origins}), frozenset(members)


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """All statements of a tree. Expressions, which are most of it, hold none."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        for statement in getattr(tree, field, ()):
            yield statement
            yield from _statements(statement)
