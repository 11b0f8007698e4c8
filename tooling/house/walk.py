"""The walk of a claim: which modules a reader goes through who follows it from the handler to the paid POST.

The walk is counted over the static call graph. The reader begins with the handler and follows every call from which
control can still get to the POST, in the order of evaluation: into the function that is called, to its end, and back.
He stops at the last POST. This is what counts:

- A branch that returns or raises without a POST is no part of the walk: a claim that takes it buys nothing. Its
  condition is, because the claim is judged by it. A function before the POST is read with all its branches.
- A function is read once; a step to it counts each time that it is called from another place.
- Reading a property that calls nothing of another room, by itself or by what it calls in its own, is reading data and
  no step. A property that leads into other rooms is a call like any other.
- A lambda or a function that is passed on is read where it is called, and belongs to the module that it is written in:
  a callback into the caller's module is a step there. Code from elsewhere (`sorted`, a factory) calls what it is given.
  Constructing counts where the class has an `__init__`, `__new__` or `__post_init__`.
- A port is where the reader stops and trusts a docstring. What the wiring puts behind ports - adapters and settings -
  is entered only where it leads to the POST; what the wiring itself builds is no step of a claim.
- What stands in the way of a purchase is judged by one function before the claim, which buys nothing and changes no
  record. A reader who follows the claim reads its result; `whole` is the walk of one who reads its inside too.
- A room is a module that holds a function of the walk. A climb is a step to a room that the reader entered before
  the one that he leaves, so one nearer the handler on his way.

The order of entry says what is near, and not the fewest calls from the handler: where the first use case calls
everything once, all is near by that, and no step between siblings would count.

Operators and `with` on our own classes are not followed, nor what annotations and assignments leave unknown.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tooling.house.blocks import Block, blocks, exits, own_parts
from tooling.house.calls import Call, calls_of
from tooling.house.flows import infer
from tooling.house.inference import Inference
from tooling.house.program import Function, read_program
from tooling.house.sources import Module

DEPLOYED: Final = ("layers", "functions")
_HANDLER: Final = "start_generation.app.lambda_handler"
_JUDGE: Final = "before_purchase.before_purchase"
_BEHIND_PORTS: Final = frozenset({"adapters", "config", "wiring"})


class NoWalkError(LookupError):
    """There is no handler of this name, or no way from it to a POST."""


@dataclass(frozen=True)
class Step:
    """A call on the walk. `is_climb` where it goes back to a room that was entered before."""

    caller: Function
    called: Function
    is_climb: bool


@dataclass(frozen=True)
class Walk:
    """The rooms in the order in which they are entered, and the steps between them."""

    rooms: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def climbs(self) -> tuple[Step, ...]:
        """The steps back to rooms that were entered before."""
        return tuple(step for step in self.steps if step.is_climb)


def walks_of_a_claim(modules: list[Module], handler: str = _HANDLER) -> tuple[Walk, Walk]:
    """The walk from the function whose qualified name ends so to the last POST that it can make, and the same with the
    inside of what judges the purchase; raises `NoWalkError` where there is none.
    """
    inference = infer(read_program(modules))
    starts = [each for name, each in inference.program.functions.items() if f".{name}".endswith(f".{handler}")]
    if not starts:
        raise NoWalkError(f"expected a function {handler}, found none")
    calls = _Calls(inference)
    leading = calls.leading_from(starts[0])
    if starts[0].name not in leading:
        raise NoWalkError(f"expected a way from {starts[0].name} to a POST, found none")
    return _walk(starts[0], calls, leading, _JUDGE), _walk(starts[0], calls, leading, None)


def _walk(start: Function, calls: "_Calls", leading: set[str], judge: str | None) -> Walk:
    reader = _Reader(calls, leading, judge)
    reader.read(start)
    return _counted(start, reader.steps)


def _counted(start: Function, steps: list[tuple[Function, Function]]) -> Walk:
    entered = {start.module: 0}
    for _, called in steps:
        entered.setdefault(called.module, len(entered))
    between = [
        Step(caller, called, entered[called.module] < entered[caller.module])
        for caller, called in steps
        if caller.module != called.module
    ]
    return Walk(tuple(entered), tuple(between))


class _Calls:
    """The calls of statements and functions."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._of: dict[ast.stmt, list[Call]] = {}

    def body(self, function: Function) -> Block:
        """The statements of a function; a lambda has one."""
        node = function.node
        return [ast.Expr(node.body)] if isinstance(node, ast.Lambda) else node.body

    def of(self, statement: ast.stmt, within: Function) -> list[Call]:
        """The calls of a statement itself, without the blocks in it."""
        if statement not in self._of:
            self._of[statement] = list(calls_of(own_parts(statement), within, self._inference))
        return self._of[statement]

    def of_guard(self, guard: list[ast.expr], within: Function) -> Iterator[Call]:
        """The calls of what is evaluated before a block."""
        return calls_of(guard, within, self._inference)

    def of_block(self, block: Block, within: Function) -> Iterator[Call]:
        """All calls of a block, in the order of the source."""
        for statement in block:
            yield from self.of(statement, within)
            for guard, inner in blocks(statement):
                yield from self.of_guard(guard, within)
                yield from self.of_block(inner, within)

    def stays_in_its_room(self, function: Function, module: str, seen: set[str]) -> bool:
        """Whether all that a function of a room calls, at any depth, is in that room or reads data; no POST does."""
        if function.name in seen:
            return True
        seen.add(function.name)
        for call in self.of_block(self.body(function), function):
            if call.is_post or not all(self._is_near(target, module, seen) for target in call.targets):
                return False
        return True

    def is_data(self, function: Function) -> bool:
        """Whether it is a property that calls nothing of another room: reading it is reading data."""
        return function.is_property and self.stays_in_its_room(function, function.module, set())

    def _is_near(self, target: Function, module: str, seen: set[str]) -> bool:
        if target.module != module:
            return self.is_data(target)
        return self.stays_in_its_room(target, module, seen)

    def leading_from(self, start: Function) -> set[str]:
        """The functions on any way from `start` to a POST, by name."""
        callers: dict[str, set[str]] = {}
        leading: set[str] = set()
        seen, waiting = {start.name}, [start]
        while waiting:
            function = waiting.pop()
            for call in self.of_block(self.body(function), function):
                if call.is_post:
                    leading.add(function.name)
                for target in call.targets:
                    callers.setdefault(target.name, set()).add(function.name)
                    if target.name not in seen:
                        seen.add(target.name)
                        waiting.append(target)
        found = list(leading)
        while found:
            new = callers.get(found.pop(), set()) - leading
            leading |= new
            found.extend(new)
        return leading


class _Reader:
    """Reads functions in the order of the walk, each once, and notes every step."""

    def __init__(self, calls: _Calls, leading: set[str], judge: str | None) -> None:
        self._calls, self._leading, self._judge = calls, leading, judge
        self._read: set[str] = set()
        self.steps: list[tuple[Function, Function]] = []

    def read(self, function: Function) -> None:
        """Read a function: up to its last POST where it leads to one, else to its end."""
        if function.name in self._read:
            return
        self._read.add(function.name)
        body = self._calls.body(function)
        if function.name in self._leading:
            self._read_block(body, function, goes_on=False)
        else:
            for call in self._calls.of_block(body, function):
                self._take(call, function)

    def _read_block(self, block: Block, within: Function, *, goes_on: bool) -> None:
        """Read what of a block control can get to the POST from; `goes_on` where a POST may follow after the block."""
        goes_on = goes_on and not exits(block)
        last = max((index for index, each in enumerate(block) if self._holds_post(each, within)), default=-1)
        for index, statement in enumerate(block if goes_on else block[: last + 1]):
            self._read_statement(statement, within, goes_on=goes_on or index < last)

    def _read_statement(self, statement: ast.stmt, within: Function, *, goes_on: bool) -> None:
        calls = self._calls.of(statement, within)
        inner = list(blocks(statement))
        if not goes_on and not any(self._block_holds_post(block, within) for _, block in inner):
            last = max(index for index, call in enumerate(calls) if self._leads(call))
            calls = calls[: last + 1]
        for call in calls:
            self._take(call, within)
        for guard, block in inner:
            for call in self._calls.of_guard(guard, within):
                self._take(call, within)
            if self._block_holds_post(block, within) or (goes_on and not exits(block)):
                self._read_block(block, within, goes_on=goes_on)

    def _take(self, call: Call, caller: Function) -> None:
        for target in call.targets:
            if self._calls.is_data(target):
                continue
            if target.name in self._leading or not _is_behind_a_port(target):
                self.steps.append((caller, target))
                if self._judge is None or not f".{target.name}".endswith(f".{self._judge}"):
                    self.read(target)

    def _leads(self, call: Call) -> bool:
        return call.is_post or any(target.name in self._leading for target in call.targets)

    def _holds_post(self, statement: ast.stmt, within: Function) -> bool:
        if any(self._leads(call) for call in self._calls.of(statement, within)):
            return True
        return any(self._block_holds_post(block, within) for _, block in blocks(statement))

    def _block_holds_post(self, block: Block, within: Function) -> bool:
        return any(self._holds_post(statement, within) for statement in block)


def _is_behind_a_port(function: Function) -> bool:
    return bool(_BEHIND_PORTS & set(function.module.split(".")[1:2]))
