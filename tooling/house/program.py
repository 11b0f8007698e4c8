"""The functions and classes of a program by qualified name, and what a name stands for in a module."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from tooling.house.imports import imported_name
from tooling.house.sources import Module

Code = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_MOST_HOPS: Final = 10
"""A name is re-exported through so many modules at most."""


@dataclass(frozen=True)
class Function:
    """A function, method or lambda; `owner` is its class, `outer` the function around it."""

    name: str
    module: str
    node: Code
    owner: str | None = None
    outer: str | None = None

    @cached_property
    def decorators(self) -> frozenset[str]:
        """The last words of its decorators' names."""
        if isinstance(self.node, ast.Lambda):
            return frozenset()
        return frozenset(ast.unparse(each).partition("(")[0].rpartition(".")[2] for each in self.node.decorator_list)

    @property
    def is_property(self) -> bool:
        """Whether reading the attribute runs it."""
        return bool(self.decorators & {"property", "cached_property"})

    @property
    def takes_itself(self) -> bool:
        """Whether its first parameter is the instance or the class, which a call does not pass."""
        return self.owner is not None and self.outer is None and "staticmethod" not in self.decorators


@dataclass(frozen=True, eq=False)
class Class:
    """A class; `fields` are annotated or assigned in its body, `methods` are qualified names."""

    name: str
    module: str
    bases: tuple[ast.expr, ...]
    fields: dict[str, ast.expr] = field(default_factory=dict)
    methods: dict[str, str] = field(default_factory=dict)

    @cached_property
    def is_protocol(self) -> bool:
        """Whether it only says what others implement."""
        return any(ast.unparse(base).partition("[")[0].rpartition(".")[2] == "Protocol" for base in self.bases)


@dataclass
class Program:
    """Everything that modules define, by qualified name; `imports` by module and the name there."""

    modules: set[str] = field(default_factory=set)
    functions: dict[str, Function] = field(default_factory=dict)
    classes: dict[str, Class] = field(default_factory=dict)
    imports: dict[str, dict[str, str]] = field(default_factory=dict)
    constants: dict[str, ast.expr | None] = field(default_factory=dict)
    annotations: dict[str, ast.expr] = field(default_factory=dict)
    _bases: dict[str, list[Class]] = field(default_factory=dict)

    def find(self, module: str, name: str) -> str:
        """The qualified name that a module's global name stands for, through re-exports; as it is where unknown."""
        for _ in range(_MOST_HOPS):
            qualified = f"{module}.{name}"
            if self.defines(qualified):
                return qualified
            target = self.imports.get(module, {}).get(name)
            if target is None or self.defines(target) or target in self.modules:
                return target or name
            module, _, name = target.rpartition(".")
            if module not in self.modules:
                return target
        return name

    def defines(self, qualified: str) -> bool:
        """Whether a function, class or constant has this name."""
        return qualified in self.functions or qualified in self.classes or qualified in self.constants

    def bases(self, name: str) -> list[Class]:
        """A class and the classes that it inherits from, nearest first."""
        if name not in self._bases:
            self._bases[name] = self._read_bases(name)
        return self._bases[name]

    def _read_bases(self, name: str) -> list[Class]:
        found: list[Class] = []
        waiting = [name]
        while waiting:
            known = self.classes.get(waiting.pop(0))
            if known is not None and not any(known is each for each in found):
                found.append(known)
                waiting.extend(self.find(known.module, ast.unparse(base).partition("[")[0]) for base in known.bases)
        return found

    def method(self, class_name: str, name: str) -> Function | None:
        """The method that an instance of the class has under this name."""
        for known in self.bases(class_name):
            if name in known.methods:
                return self.functions[known.methods[name]]
        return None


def read_program(modules: Iterable[Module]) -> Program:
    """Everything that these modules define."""
    program = Program()
    for module in modules:
        program.modules.add(module.name)
        program.imports[module.name] = dict(_imported_names(module))
        _add_all(module.tree.body, module.name, program)
    return program


def add_nested(node: Code, outer: Function, program: Program) -> Function:
    """The function that a nested `def` or a lambda makes."""
    label = f"<lambda:{node.lineno}:{node.col_offset}>" if isinstance(node, ast.Lambda) else node.name
    name = f"{outer.name}.{label}"
    return program.functions.setdefault(name, Function(name, outer.module, node, outer.owner, outer.name))


def _imported_names(module: Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom):
            source = imported_name(module, node)
            yield from ((alias.asname or alias.name, f"{source}.{alias.name}") for alias in node.names)


def _add_all(body: Iterable[ast.stmt], module: str, program: Program) -> None:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{module}.{node.name}"
            program.functions[name] = Function(name, module, node)
        elif isinstance(node, ast.ClassDef):
            _add_class(node, module, program)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            program.constants[f"{module}.{node.target.id}"] = node.value
            program.annotations[f"{module}.{node.target.id}"] = node.annotation
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    program.constants[f"{module}.{target.id}"] = node.value
        elif isinstance(node, ast.If | ast.Try):
            _add_all([*node.body, *node.orelse], module, program)


def _add_class(node: ast.ClassDef, module: str, program: Program) -> None:
    added = Class(f"{module}.{node.name}", module, tuple(node.bases))
    program.classes[added.name] = added
    for member in node.body:
        if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{added.name}.{member.name}"
            # Of a property, the reader stays and not the setter after it.
            program.functions.setdefault(name, Function(name, module, member, added.name))
            added.methods[member.name] = name
        elif isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
            added.fields[member.target.id] = member.annotation
        elif isinstance(member, ast.Assign) and isinstance(member.targets[0], ast.Name):
            # An enumeration's member, or an alias: an instance of the class, as far as calls go.
            added.fields[member.targets[0].id] = ast.Name(node.name)
