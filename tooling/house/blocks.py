"""The order in which the statements of a function are read, and where control leaves it."""

import ast
from collections.abc import Iterator, Sequence

Block = Sequence[ast.stmt]
_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def own_parts(statement: ast.stmt) -> list[ast.AST]:
    """What a statement itself evaluates, without the blocks in it: conditions, subjects, what `with` enters."""
    if isinstance(statement, _DEFINITIONS):
        return []
    within = (ast.stmt, ast.ExceptHandler, ast.match_case)
    return [part for part in ast.iter_child_nodes(statement) if not isinstance(part, within)]


def blocks(statement: ast.stmt) -> Iterator[tuple[list[ast.expr], Block]]:
    """The blocks of a statement in the order of the source, each with the guard that is evaluated before it."""
    if isinstance(statement, _DEFINITIONS):
        return
    for part in ("body", "handlers", "cases", "orelse", "finalbody"):
        found = getattr(statement, part, [])
        if part == "handlers":
            yield from (([], handler.body) for handler in found)
        elif part == "cases":
            yield from (([case.guard] if case.guard else [], case.body) for case in found)
        elif found:
            yield [], found


def exits(block: Block) -> bool:
    """Whether control never leaves a block at its end, so that nothing after it is run."""
    match block[-1] if block else None:
        case ast.Return() | ast.Raise():
            return True
        case ast.If(body=body, orelse=other):
            return exits(body) and exits(other)
        case ast.With(body=body):
            return exits(body)
        case ast.Try(body=body, handlers=handlers, orelse=other, finalbody=last):
            return exits(last) or (exits(other or body) and all(exits(each.body) for each in handlers))
        case ast.Match(cases=cases):
            return all(exits(case.body) for case in cases) and any(_takes_all(case) for case in cases)
        case _:
            return False


def _takes_all(case: ast.match_case) -> bool:
    return case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
