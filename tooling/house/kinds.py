"""What kind of value an expression has, as far as annotations tell: enough to find what a call runs."""

import ast
from dataclasses import dataclass
from typing import Final

from tooling.house.program import Program

MODULE: Final = "<module>"
CLASS: Final = "<class>"
_TRANSPARENT: Final = frozenset({"Final", "ClassVar", "Annotated", "Required", "NotRequired"})
_DEEPEST: Final = 4
_MOST_HOPS: Final = 20
"""Annotations nest, and aliases refer to each other, so deep at most."""


@dataclass(frozen=True)
class Type:
    """A kind of value by qualified name, with what it holds. A function's own name stands for the function; `CLASS` and
    `MODULE` hold the class or module that the value is.
    """

    name: str
    args: tuple["Types", ...] = ()


Types = frozenset[Type]
NOTHING: Final[Types] = frozenset()


def one(name: str, *args: Types) -> Types:
    """The only kind that a value can have."""
    return frozenset({Type(name, args)})


def of_annotation(node: ast.expr | None, module: str, program: Program, hops: int = 0) -> Types:
    """What an annotation in a module stands for; unions give each of their kinds, aliases what they name."""
    if node is None or hops > _MOST_HOPS:
        return NOTHING
    match node:
        case ast.Constant(value=str(text)):
            return of_annotation(ast.parse(text, mode="eval").body, module, program, hops + 1)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            sides = (left, right)
            return frozenset().union(*(of_annotation(side, module, program, hops + 1) for side in sides))
        case ast.Subscript(value=generic, slice=inner):
            return _of_generic(generic, inner, module, program, hops)
        case ast.Name() | ast.Attribute():
            return _of_name(node, module, program, hops)
        case _:
            return NOTHING


def shallow(types: Types, depth: int = _DEEPEST) -> Types:
    """The same kinds without what they hold so deep: a list that is put into itself would never end."""
    if depth == 0:
        return NOTHING
    return frozenset(Type(each.name, tuple(shallow(arg, depth - 1) for arg in each.args)) for each in types)


def held_by(types: Types) -> Types:
    """What is got from such values by iterating, indexing or entering them, or by `get`."""
    return frozenset().union(*(_held(each) for each in types))


def _held(each: Type) -> Types:
    return each.args[-1] if each.args and each.name not in {CLASS, MODULE} else NOTHING


def _of_generic(generic: ast.expr, inner: ast.expr, module: str, program: Program, hops: int) -> Types:
    name = ast.unparse(generic).rpartition(".")[2]
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name == "Literal":
        # Its texts are values, not annotations in quotes.
        return NOTHING
    if name in _TRANSPARENT:
        return of_annotation(parts[0], module, program, hops + 1)
    args = tuple(of_annotation(part, module, program, hops + 1) for part in parts)
    if name in {"Optional", "Union"}:
        return frozenset().union(*args)
    if name == "type":
        return one(CLASS, args[0])
    if name in {"tuple", "Tuple"}:
        args = tuple(arg for part, arg in zip(parts, args, strict=True) if ast.unparse(part) != "...")
    if name in {"Generator", "AsyncGenerator"}:
        args = args[:1]
    known = _of_name(generic, module, program, hops)
    return frozenset(Type(each.name, args) for each in known)


def _of_name(node: ast.expr, module: str, program: Program, hops: int) -> Types:
    first, _, rest = ast.unparse(node).partition(".")
    name = program.find(module, first)
    if rest:
        name = program.find(name, rest) if name in program.modules else f"{name}.{rest}"
    if name in program.classes:
        return one(name)
    if name in program.constants:
        return _of_alias(name, program, hops)
    return one(name) if name != "None" else NOTHING


def _of_alias(name: str, program: Program, hops: int) -> Types:
    value = program.constants[name]
    if isinstance(value, ast.Call):
        # A type variable or a new type: it stands for itself.
        return one(name)
    return of_annotation(value, name.rpartition(".")[0], program, hops + 1)
