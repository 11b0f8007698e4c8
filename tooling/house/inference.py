"""Which functions and classes the values of an expression may be: from annotations, from what is assigned, and from
what callers pass.

Ports are known by the adapters that flow into them anywhere in the program, callables by the functions that do.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from tooling.house.kinds import CLASS, MODULE, NOTHING, Type, Types, held_by, of_annotation, one
from tooling.house.program import Class, Code, Function, Program, add_nested

_COPIES: Final = frozenset({"replace", "copy", "deepcopy", "model_copy", "cast", "min", "max", "next", "partial"})
_NO_CODE: Final = ast.Lambda(ast.arguments([], [], None, [], [], None, []), ast.Constant(None))
_SAME_ITEMS: Final = frozenset({"list", "tuple", "sorted", "reversed", "iter", "set", "frozenset", "enumerate", "zip"})


@dataclass
class Flows:
    """What flows into each parameter and field, and into each protocol; it grows until nothing new is found."""

    into: dict[str, Types] = field(default_factory=dict)
    changed: bool = False

    def add(self, place: str, types: Types) -> None:
        """Note that values of these kinds get to a place."""
        known = self.into.get(place, NOTHING)
        if not types <= known:
            self.into[place] = known | types
            self.changed = True

    def at(self, place: str) -> Types:
        """What gets to a place."""
        return self.into.get(place, NOTHING)


@dataclass(frozen=True)
class Inference:
    """What is known of a program's values."""

    program: Program
    flows: Flows = field(default_factory=Flows)
    names: dict[str, dict[str, Types]] = field(default_factory=dict)
    _meanings: dict[tuple[ast.expr, str], Types] = field(default_factory=dict)

    def said(self, annotation: ast.expr | None, module: str) -> Types:
        """What an annotation in a module stands for."""
        if annotation is None:
            return NOTHING
        if (annotation, module) not in self._meanings:
            self._meanings[annotation, module] = of_annotation(annotation, module, self.program)
        return self._meanings[annotation, module]

    def implementers(self, protocol: Class) -> list[str]:
        """The classes that stand behind a protocol: those that flow into it, else those that have its methods."""
        flowing = {each.name for each in self.flows.at(protocol.name)}
        if flowing:
            return sorted(flowing)
        wanted = protocol.methods.keys()
        return sorted(
            each.name
            for each in self.program.classes.values()
            if wanted and not each.is_protocol and all(self.program.method(each.name, name) for name in wanted)
        )

    def of(self, node: ast.expr | None, within: Function) -> Types:
        """The kinds of value that an expression in a function may have."""
        match node:
            case ast.Name(id=name):
                return self._of_name(name, within)
            case ast.Attribute(value=value, attr=attribute):
                kinds = (self.member(each, attribute) for each in self.of(value, within))
                return frozenset().union(*kinds)
            case ast.Call():
                return self._of_call(node, within)
            case ast.Lambda():
                return one(add_nested(node, within, self.program).name)
            case ast.Subscript(value=value):
                return held_by(self.of(value, within))
            case ast.NamedExpr(value=value) | ast.Await(value=value) | ast.Starred(value=value):
                return self.of(value, within)
            case ast.Tuple(elts=parts):
                return one("tuple", *(self.of(part, within) for part in parts))
            case _:
                return self._of_compound(node, within)

    def _of_compound(self, node: ast.expr | None, within: Function) -> Types:
        match node:
            case ast.IfExp(body=body, orelse=other):
                return self.of(body, within) | self.of(other, within)
            case ast.BoolOp(values=values):
                return self._any_of(values, within)
            case ast.BinOp(left=left):
                return self.of(left, within)
            case ast.List(elts=parts) | ast.Set(elts=parts):
                return one("list", self._any_of(parts, within))
            case ast.Dict(values=parts):
                return one("dict", self._any_of(parts, within))
            case ast.ListComp(elt=part) | ast.SetComp(elt=part) | ast.GeneratorExp(elt=part) | ast.DictComp(value=part):
                return one("list", self.of(part, within))
            case ast.Constant(value=value) if value is not None:
                return one(type(value).__name__)
            case _:
                return NOTHING

    def _any_of(self, nodes: Iterable[ast.expr], within: Function) -> Types:
        return frozenset().union(*(self.of(node, within) for node in nodes))

    def _of_name(self, name: str, within: Function) -> Types:
        function: Function | None = within
        while function is not None:
            known = self.names.get(function.name, {})
            if name in known:
                return known[name]
            function = self.program.functions.get(function.outer or "")
        return self.of_global(within.module, name)

    def of_global(self, module: str, name: str) -> Types:
        """What a module's global name stands for; what is imported from elsewhere counts as a class."""
        program, found = self.program, self.program.find(module, name)
        if found in program.functions:
            return one(found)
        if found in program.modules:
            return one(MODULE, one(found))
        if found in program.constants:
            home = found.rpartition(".")[0]
            at_home = Function(found, home, _NO_CODE)
            annotated = self.said(program.annotations.get(found), home)
            return annotated | self.of(program.constants[found], at_home)
        return one(CLASS, one(found))

    def member(self, of: Type, name: str) -> Types:
        """What an attribute of a value of this kind may be."""
        if of.name == MODULE:
            return frozenset().union(*(self.of_global(module.name, name) for module in of.args[0]))
        if of.name == CLASS:
            return frozenset().union(*(self._of_class(each, name) for each in of.args[0]))
        methods = self.methods(of, name)
        if methods:
            return frozenset().union(*(self._of_method(method) for method in methods))
        known = self.program.bases(of.name)
        for each in known:
            if name in each.fields or self.flows.at(f"{each.name}.{name}"):
                annotated = self.said(each.fields.get(name), each.module)
                return annotated | self.flows.at(f"{each.name}.{name}")
        # Of a class from elsewhere, what it holds is what its methods give.
        return NOTHING if known else frozenset({Type(f"{of.name}.{name}", of.args)})

    def methods(self, of: Type, name: str) -> list[Function]:
        """The methods that a call of this name on such a value may run: for a protocol, those of all implementers."""
        known = self.program.classes.get(of.name)
        classes = self.implementers(known) if known is not None and known.is_protocol else [of.name]
        found = (self.program.method(each, name) for each in classes)
        return [method for method in found if method is not None]

    def _of_class(self, each: Type, name: str) -> Types:
        method = self.program.method(each.name, name)
        if method is not None:
            return one(method.name)
        if each.name in self.program.classes:
            return self.member(each, name)
        return one(CLASS, one(f"{each.name}.{name}"))

    def _of_method(self, method: Function) -> Types:
        return self.returned(method) if method.is_property else one(method.name)

    def _of_call(self, call: ast.Call, within: Function) -> Types:
        callees = self.of(call.func, within)
        word = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        results = (self._result(each, call, within) for each in callees)
        found: Types = frozenset().union(*results)
        is_ours = any(each.name in self.program.functions for each in callees)
        if word in _COPIES and not is_ours and call.args:
            first = self.of(call.args[-1 if word == "cast" else 0], within)
            return held_by(first) if word == "next" else first
        if word in _COPIES and isinstance(call.func, ast.Attribute) and not is_ours:
            return self.of(call.func.value, within)
        if word in _SAME_ITEMS and not is_ours and call.args:
            return one("list", held_by(self.of(call.args[0], within)))
        return found

    def _result(self, callee: Type, call: ast.Call, within: Function) -> Types:
        if callee.name == CLASS:
            return callee.args[0]
        function = self.program.functions.get(callee.name)
        if function is not None:
            return self.returned(function, call, within)
        called = self.methods(callee, "__call__")
        if called:
            return frozenset().union(*(self.returned(method, call, within) for method in called))
        # `Callable[[...], R]` gives R, and a method of a container gives what the container holds.
        held, word = held_by(frozenset({callee})), callee.name.rpartition(".")[2]
        if word == "items":
            return one("list", one("tuple", *callee.args))
        return one("list", held) if word == "values" else held

    def returned(self, function: Function, call: ast.Call | None = None, within: Function | None = None) -> Types:
        """What a function gives back; of a type variable, what the call's own arguments say."""
        if isinstance(function.node, ast.Lambda):
            return self.of(function.node.body, function)
        said = self.said(function.node.returns, function.module)
        if function.owner and any(each.name.endswith(".Self") for each in said):
            return one(function.owner)
        if call is None or within is None or not any(each.name in self.program.constants for each in said):
            return said
        given = self._any_of([*call.args, *(keyword.value for keyword in call.keywords)], within)
        return frozenset().union(*(each.args[0] if each.name == CLASS else {each} for each in given))


def parameters(node: Code) -> list[ast.arg]:
    """All named parameters, in order."""
    return [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]


def passed(call: ast.Call, names: list[str]) -> Iterator[tuple[str, ast.expr]]:
    """Each argument of a call with the parameter that takes it."""
    plain = [argument for argument in call.args if not isinstance(argument, ast.Starred)]
    yield from zip(names, plain, strict=False)
    yield from ((keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg)
