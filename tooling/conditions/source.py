"""The expressions that stand in the stores' source, whether or not a test comes past them."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

_HOLE: Final = "\0"
_EXPRESSION: Final = re.compile(
    r"\b(?:attribute_(?:not_)?exists|attribute_type|contains|begins_with|size)\s?\("
    r"|(?:=|<|>|\bBETWEEN|\bIN \(|\bADD\b.*|\bDELETE\b.*)\s?[:#]\w"
    r"|[#:]\w+ (?:=|<|>|[:#])"
)
"""A function, or a comparison, assignment or addition that names an attribute or a value by its placeholder."""


class Fragment(NamedTuple):
    """Text of an expression, or a use of a constant that holds some, in a line of a file."""

    file: Path
    line: int
    text: str
    """With a zero byte for each part that is filled in later."""
    first: int
    last: int
    """The lines of its statement; 0 where it runs with the import of its module, and only its uses tell anything."""

    def is_in(self, texts: Iterable[str]) -> bool:
        """Whether one of these expressions was made with it."""
        pattern = re.compile(".*".join(map(re.escape, self.text.strip().split(_HOLE))), re.DOTALL)
        return any(pattern.search(text) for text in texts)

    def is_on(self, lines: set[tuple[str, int]]) -> bool:
        """Whether one of its statement's lines is among these."""
        return self.first == 0 or any((str(self.file), line) in lines for line in range(self.first, self.last + 1))


def fragments_of(folder: Path) -> list[Fragment]:
    """Every fragment of an expression in the modules of a folder."""
    return [found for file in sorted(folder.rglob("*.py")) for found in _fragments_in(file)]


def _fragments_in(file: Path) -> Iterator[Fragment]:
    tree = ast.parse(file.read_text("utf-8"))
    constants = dict(_constants(tree))
    ignored = {id(text) for text in _no_expressions(tree)}
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    in_functions = {id(node) for function in functions for node in ast.walk(function)}
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    for node in ast.walk(tree):
        if id(node) in ignored or not isinstance(node, ast.Constant | ast.JoinedStr | ast.Name):
            continue
        if isinstance(node, ast.Name):
            text = constants.get(node.id) if isinstance(node.ctx, ast.Load) else None
        else:
            text = _text(node)
        if text is not None and _EXPRESSION.search(text):
            # Python may count a constant to another line of its statement.
            lines = _lines_of(node, statements) if id(node) in in_functions else (0, 0)
            yield Fragment(file, node.lineno, text, *lines)


def _body_of(statement: ast.stmt) -> list[ast.stmt]:
    body: list[ast.stmt] = getattr(statement, "body", [])
    return body


def _lines_of(node: ast.expr, statements: list[ast.stmt]) -> tuple[int, int]:
    """Of the innermost statement around an expression, up to where its own body begins."""
    around = [each for each in statements if each.lineno <= node.lineno <= (each.end_lineno or each.lineno)]
    inner = max(around, key=lambda each: each.lineno)
    body = _body_of(inner)
    last = body[0].lineno - 1 if body else inner.end_lineno or inner.lineno
    return inner.lineno, max(last, inner.lineno)


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The texts that a module gives names to."""
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        text = _text(value) if isinstance(value := getattr(node, "value", None), ast.expr) else None
        if isinstance(target, ast.Name) and text is not None:
            yield target.id, text


def _no_expressions(tree: ast.Module) -> Iterator[ast.AST]:
    """Docstrings, and the pieces of texts that are looked at as a whole."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield from (piece for piece in node.values if isinstance(piece, ast.Constant))


def _text(node: ast.expr) -> str | None:
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(piece) or _HOLE for piece in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
