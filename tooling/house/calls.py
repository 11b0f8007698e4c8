"""What the expressions of a function run, in the order in which they run it."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tooling.house.inference import Inference
from tooling.house.kinds import CLASS, Type, Types
from tooling.house.program import Function

_STARTS: Final = ("__new__", "__init__", "__post_init__")
_CLIENT: Final = "httpx.Client"
_SENDING: Final = frozenset({"send", "post", "request", "stream"})


@dataclass(frozen=True)
class Call:
    """A call, or the reading of a property: all functions that it may run, and whether it sends a request itself."""

    targets: tuple[Function, ...]
    is_post: bool = False


def calls_of(nodes: Iterable[ast.AST], within: Function, inference: Inference) -> Iterator[Call]:
    """The calls of some expressions in the order of their evaluation, arguments before what takes them. The body of a
    lambda is read where the lambda is called.
    """
    for node in nodes:
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, ast.Call):
            callee = node.func.value if isinstance(node.func, ast.Attribute) else node.func
            yield from calls_of([callee, *node.args, *node.keywords], within, inference)
            yield _call(node, within, inference)
            continue
        yield from calls_of(ast.iter_child_nodes(node), within, inference)
        if isinstance(node, ast.Attribute):
            found = tuple(_properties(node, within, inference))
            if found:
                yield Call(found)


def _call(node: ast.Call, within: Function, inference: Inference) -> Call:
    callees = sorted(inference.of(node.func, within), key=lambda each: each.name)
    functions = inference.program.functions
    found = [functions[each.name] for each in callees if each.name in functions]
    found.extend(method for each in callees for method in inference.methods(each, "__call__"))
    made = [each for callee in callees if callee.name == CLASS for each in callee.args[0]]
    found.extend(method for each in made for method in _starts(each, inference))
    if not found and not any(each.name in inference.program.classes for each in made):
        # Code from elsewhere calls back what it is given: a key of `sorted`, a factory.
        found = _functions_in([*node.args, *(keyword.value for keyword in node.keywords)], within, inference)
    return Call(tuple(dict.fromkeys(found)), any(_is_sending(each) for each in callees))


def _properties(node: ast.Attribute, within: Function, inference: Inference) -> Iterator[Function]:
    for receiver in sorted(inference.of(node.value, within), key=lambda each: each.name):
        yield from (method for method in inference.methods(receiver, node.attr) if method.is_property)


def _starts(made: Type, inference: Inference) -> Iterator[Function]:
    methods = (inference.program.method(made.name, name) for name in _STARTS)
    yield from (method for method in methods if method is not None)


def _functions_in(arguments: Iterable[ast.expr], within: Function, inference: Inference) -> list[Function]:
    kinds: Types = frozenset().union(*(inference.of(argument, within) for argument in arguments))
    functions = inference.program.functions
    return [functions[name] for name in sorted({each.name for each in kinds}) if name in functions]


def _is_sending(callee: Type) -> bool:
    owner, _, word = callee.name.rpartition(".")
    return owner == _CLIENT and word in _SENDING
