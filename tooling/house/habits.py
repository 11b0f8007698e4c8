"""Which share of the code has docstrings and annotations."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tooling.house.sizes import functions_of
from tooling.house.sources import Module

Definition = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Share:
    """So many of all."""

    having: int
    total: int

    def __str__(self) -> str:
        """The share in percent, rounded down, so that only all of them are 100 %."""
        percent = 100 * self.having // self.total if self.total else 100
        return f"{percent} % ({self.having} of {self.total})"


def documented(modules: Iterable[Module]) -> Share:
    """Public modules, classes, functions and methods that have a docstring; those within functions are not public. An
    overload is a signature of the function that follows it, which has the docstring.
    """
    return _share(ast.get_docstring(node) is not None for module in modules for node in _public(module.tree))


def annotated(modules: Iterable[Module]) -> Share:
    """Parameters and returns of all functions that are annotated; the first of a method is not counted."""
    return _share(each is not None for module in modules for each in _annotations(module.tree))


def _share(flags: Iterable[bool]) -> Share:
    found = list(flags)
    return Share(sum(found), len(found))


def _public(owner: ast.Module | ast.ClassDef) -> Iterator[ast.Module | ast.ClassDef | Definition]:
    yield owner
    for node in owner.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _public(node)
        elif isinstance(node, Definition) and not node.name.startswith("_") and not _is_overload(node):
            yield node


def _is_overload(function: Definition) -> bool:
    return any(isinstance(each, ast.Name) and each.id == "overload" for each in function.decorator_list)


def _annotations(tree: ast.Module) -> Iterator[ast.expr | None]:
    methods = _bound_methods(tree)
    for _, function in functions_of(tree):
        taken = function.args
        positional = [*taken.posonlyargs, *taken.args]
        rest = [each for each in (taken.vararg, taken.kwarg) if each is not None]
        counted = [*(positional[1:] if function in methods else positional), *taken.kwonlyargs, *rest]
        yield from (each.annotation for each in counted)
        yield function.returns


def _bound_methods(tree: ast.Module) -> set[ast.AST]:
    return {
        node
        for owner in ast.walk(tree)
        if isinstance(owner, ast.ClassDef)
        for node in owner.body
        if isinstance(node, Definition)
        and not any(isinstance(each, ast.Name) and each.id == "staticmethod" for each in node.decorator_list)
    }
