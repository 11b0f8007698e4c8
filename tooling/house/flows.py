"""Follows values through a program: names of each function, arguments of each call, what is returned and stored."""

import ast
from collections.abc import Iterator
from typing import Final

from tooling.house.inference import Inference, parameters, passed
from tooling.house.kinds import CLASS, NOTHING, Type, Types, held_by, one, shallow
from tooling.house.program import Function, Program, add_nested

_MOST_PASSES: Final = 12
_TELLING: Final = (
    ast.AnnAssign,
    ast.Assign,
    ast.AsyncFunctionDef,
    ast.Call,
    ast.ExceptHandler,
    ast.For,
    ast.FunctionDef,
    ast.Lambda,
    ast.Match,
    ast.NamedExpr,
    ast.Return,
    ast.comprehension,
    ast.withitem,
)
"""The nodes that say something of values: those that `_Reading` has a case for."""


def infer(program: Program) -> Inference:
    """What is known of the program's values once nothing new is found."""
    inference = Inference(program)
    readings: dict[str, _Reading] = {}
    for _ in range(_MOST_PASSES):
        inference.flows.changed = False
        # Reading adds the lambdas and nested functions that it finds.
        for name, function in list(program.functions.items()):
            if name not in readings:
                readings[name] = _Reading(inference, function)
            readings[name].read()
        for name, annotation in program.annotations.items():
            _note_constant(inference, name, annotation)
        if not inference.flows.changed:
            break
    return inference


def _note_constant(inference: Inference, name: str, annotation: ast.expr) -> None:
    module, _, word = name.rpartition(".")
    said = inference.said(annotation, module)
    _note(inference, None, said, inference.of_global(module, word))


def _note(inference: Inference, place: str | None, said: Types, given: Types) -> None:
    """Note functions that get to a place, and classes that get to where a protocol is asked for."""
    program = inference.program
    for each in given:
        known = program.classes.get(each.name)
        if place is not None and (each.name in program.functions or (known is not None and not said)):
            inference.flows.add(place, frozenset({each}))
        if known is not None and not known.is_protocol:
            for wanted in said:
                protocol = program.classes.get(wanted.name)
                if protocol is not None and protocol.is_protocol:
                    inference.flows.add(protocol.name, one(each.name))


class _Reading:
    """A function, to be read until nothing new is found."""

    def __init__(self, inference: Inference, function: Function) -> None:
        self._inference, self._function = inference, function
        self._program = inference.program
        self._names = inference.names.setdefault(function.name, {})
        node = function.node
        self._nodes = list(_own_nodes(node.body if isinstance(node, ast.Lambda) else node))

    def read(self) -> None:
        """Note what its names are, and what it hands to others."""
        self._read_parameters()
        for node in self._nodes:
            self._read_node(node)

    def _read_parameters(self) -> None:
        function = self._function
        for index, parameter in enumerate(parameters(function.node)):
            said = self._said(parameter.annotation)
            if index == 0 and function.owner is not None and function.takes_itself:
                itself = one(function.owner)
                said = one(CLASS, itself) if "classmethod" in function.decorators else itself
            given = self._inference.flows.at(f"{function.name}({parameter.arg})")
            self._bind(parameter.arg, said | given)

    def _bind(self, name: str, types: Types) -> None:
        known, types = self._names.get(name, NOTHING), shallow(types)
        if not types <= known:
            self._inference.flows.changed = True
        self._names[name] = known | types

    def _read_node(self, node: ast.AST) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._bind(node.name, one(add_nested(node, self._function, self._program).name))
            case ast.Lambda():
                add_nested(node, self._function, self._program)
            case ast.Call():
                self._pass(node)
            case ast.Return(value=ast.expr() as value):
                self._return(value)
            case ast.Match(subject=subject, cases=cases):
                for case in cases:
                    self._match(case.pattern, self._of(subject))
            case _:
                self._read_binding(node)

    def _read_binding(self, node: ast.AST) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(target, self._of(value))
            case ast.AnnAssign(target=target, annotation=annotation, value=value):
                self._assign(target, self._said(annotation) or self._of(value))
            case ast.NamedExpr(target=target, value=value):
                self._assign(target, self._of(value))
            case ast.For(target=target, iter=source) | ast.comprehension(target=target, iter=source):
                self._assign(target, held_by(self._of(source)))
            case ast.withitem(context_expr=source, optional_vars=ast.expr() as target):
                self._assign(target, self._entered(self._of(source)))
            case ast.ExceptHandler(type=ast.expr() as caught, name=str(name)):
                self._bind(name, self._said(caught))

    def _said(self, annotation: ast.expr | None) -> Types:
        return self._inference.said(annotation, self._function.module)

    def _of(self, node: ast.expr | None) -> Types:
        return self._inference.of(node, self._function)

    def _assign(self, target: ast.expr, types: Types) -> None:
        match target:
            case ast.Name(id=name):
                self._bind(name, types)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for index, part in enumerate(parts):
                    self._assign(part, _part(types, index, len(parts)))
            case ast.Attribute(value=owner, attr=attribute):
                for each in self._of(owner):
                    known = self._program.classes.get(each.name)
                    if known is not None and attribute not in known.fields:
                        self._inference.flows.add(f"{each.name}.{attribute}", types)

    def _entered(self, managers: Types) -> Types:
        """What `with` gives: what a generator yields, what `__enter__` returns, else the manager itself."""
        found = NOTHING
        for each in managers:
            entering = self._program.method(each.name, "__enter__")
            if entering is not None:
                found |= self._inference.returned(entering)
            else:
                found |= held_by(frozenset({each})) or frozenset({each})
        return found

    def _match(self, pattern: ast.pattern, subject: Types) -> None:
        for node in ast.walk(pattern):
            match node:
                case ast.MatchAs(pattern=ast.MatchClass(cls=matched), name=str(name)):
                    self._bind(name, self._said(matched))
                case ast.MatchAs(pattern=None, name=str(name)):
                    self._bind(name, subject)

    def _pass(self, call: ast.Call) -> None:
        for callee in self._of(call.func):
            if callee.name == CLASS:
                for each in callee.args[0]:
                    self._construct(each, call)
            elif callee.name in self._program.functions:
                self._hand_over(self._program.functions[callee.name], call)
            for method in self._inference.methods(callee, "__call__"):
                self._hand_over(method, call)

    def _construct(self, made: Type, call: ast.Call) -> None:
        starting = self._program.method(made.name, "__init__")
        if starting is not None:
            self._hand_over(starting, call)
            return
        owners = {name: each for each in reversed(self._program.bases(made.name)) for name in each.fields}
        for name, argument in passed(call, list(owners)):
            if name in owners:
                owner = owners[name]
                said = self._inference.said(owner.fields[name], owner.module)
                _note(self._inference, f"{owner.name}.{name}", said, self._of(argument))

    def _hand_over(self, function: Function, call: ast.Call) -> None:
        known = {parameter.arg: parameter for parameter in parameters(function.node)}
        names = list(known)
        for name, argument in passed(call, names[1:] if function.takes_itself else names):
            if name in known:
                said = self._inference.said(known[name].annotation, function.module)
                _note(self._inference, f"{function.name}({name})", said, self._of(argument))

    def _return(self, value: ast.expr) -> None:
        node = self._function.node
        if not isinstance(node, ast.Lambda):
            said = self._said(node.returns)
            _note(self._inference, None, said, self._of(value))


def _part(types: Types, index: int, length: int) -> Types:
    parts = (each.args[index] for each in types if each.name == "tuple" and len(each.args) == length)
    return frozenset().union(*parts) or held_by(types)


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The telling nodes of a function but those inside functions within it, which are read by themselves."""
    waiting = [node] if isinstance(node, ast.expr) else list(ast.iter_child_nodes(node))
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, _TELLING):
            yield each
        if not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting = [*ast.iter_child_nodes(each), *waiting]
