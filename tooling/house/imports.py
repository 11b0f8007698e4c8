"""Which module imports which, and where imports go in a circle."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from tooling.house.sources import Module

Graph = Mapping[str, frozenset[str]]
_ROOMS_IN: Final = "domain"


def import_graph(modules: Iterable[Module]) -> Graph:
    """The imports among these modules by name, those inside functions and for type checkers included."""
    known = {module.name: module for module in modules}
    return {name: frozenset(_imported(module, known.keys()) - {name}) for name, module in known.items()}


def room_graph(graph: Graph) -> Graph:
    """The imports among the packages directly below a `domain` package."""
    rooms: dict[str, set[str]] = {}
    packages = _packages(graph)
    for name, imported in graph.items():
        room = _room(name, packages)
        if room is not None:
            others = {_room(each, packages) for each in imported} - {None, room}
            rooms.setdefault(room, set()).update(other for other in others if other is not None)
    return {room: frozenset(others) for room, others in rooms.items()}


def cycles(graph: Graph) -> list[list[str]]:
    """Groups of nodes that all reach each other, each sorted: the strongly connected parts of more than one node."""
    reached = {node: _reachable(graph, node) for node in graph}
    groups = {frozenset(other for other in reached[node] if node in reached[other]) for node in graph}
    return sorted(sorted(group) for group in groups if len(group) > 1)


def imported_name(module: Module, node: ast.ImportFrom) -> str:
    """The absolute name of the module that a `from ... import` names."""
    if node.level == 0:
        return node.module or ""
    parts = module.name.split(".")
    package = parts if module.is_package else parts[:-1]
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def _imported(module: Module, known: Iterable[str]) -> set[str]:
    names = set(known)
    return {name for name in _named(module, names) if name in names}


def _named(module: Module, known: set[str]) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = imported_name(module, node)
            members = [f"{source}.{alias.name}" for alias in node.names]
            yield from members
            # `from package import module` depends on the package only where it takes something else of it.
            if not all(member in known for member in members):
                yield source


def _reachable(graph: Graph, start: str) -> set[str]:
    seen, waiting = set(), [start]
    while waiting:
        for node in graph.get(waiting.pop(), frozenset()):
            if node not in seen:
                seen.add(node)
                waiting.append(node)
    return seen


def _packages(graph: Graph) -> set[str]:
    return {".".join(parts[:end]) for parts in (name.split(".") for name in graph) for end in range(1, len(parts))}


def _room(name: str, packages: set[str]) -> str | None:
    parts = name.split(".")
    if _ROOMS_IN not in parts[:-1]:
        return None
    room = ".".join(parts[: parts.index(_ROOMS_IN) + 2])
    return room if room in packages else None
