"""Finds the rows of a usage export: in CSV with a header line, a JSON array, a JSON object that contains one, or one
JSON object per line.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from fermata.errors import FieldError, InvalidRequestError

ID_NAMES: Final = ("upstream_id", "task_id", "id")
_LISTS: Final = ("data", "items", "usage")
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
"""`splitlines` would also break at characters that are valid in JSON text, such as U+2028."""


def rows_in(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Each row of an export's text with its line number (in a JSON array, its position); names are in lower case.
    Raises `InvalidRequestError`.
    """
    return _json_rows(text) if text.lstrip()[:1] in ("[", "{") else _csv_rows(text)


def refused(line: int, message: str) -> InvalidRequestError:
    """The error for a rejected export; line 0 stands for the whole export."""
    if not line:
        return InvalidRequestError([FieldError("/rows", f"the export {message}")])
    return InvalidRequestError([FieldError(f"/rows/{line}", f"line {line} {message}")])


def _csv_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = [cell.strip().lower() for cell in _without_empty_end(cells, 0)]
                continue
            filled = _without_empty_end(cells, len(header))
            if len(filled) != len(header):
                raise refused(reader.line_num, f"has {len(filled)} fields; expected {len(header)} as in the header")
            yield reader.line_num, dict(zip(header, filled, strict=True))
    except csv.Error as error:
        raise refused(reader.line_num, f"is broken CSV: {error}") from None


def _without_empty_end(cells: list[str], least: int) -> list[str]:
    """Cells without empty ones at the end, which trailing commas produce, but at least `least`."""
    end = len(cells)
    while end > least and not cells[end - 1].strip():
        end -= 1
    return cells[:end]


def _json_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        document = json.loads(text, parse_float=_fraction)
    except json.JSONDecodeError as error:
        if not text.lstrip().startswith("{"):
            raise refused(error.lineno, f"is broken JSON: {error.msg}") from None
        yield from _json_lines(text)
        return
    except ValueError:
        raise refused(1, "has a number that is too long") from None
    except RecursionError:
        raise refused(1, "is nested too deeply") from None
    rows = document if isinstance(document, list) else _list_in(document)
    if rows is not None:
        yield from ((number, _object(number, row)) for number, row in enumerate(rows, 1))
    elif _is_row(document):
        yield _first_line(text), _object(1, document)
    else:
        raise refused(1, f"expected a JSON array, an object with one under {', '.join(_LISTS)}, or an object a line")


def _fraction(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:
        # The exponent is too long; the error of `decimal` is not a ValueError.
        raise ValueError("a number is out of all bounds") from None


def _list_in(document: Mapping[str, Any]) -> list[Any] | None:
    """The rows in an object, under any name and at most one object deeper, or None. An empty list counts only under a
    known name: the object may itself be a row.
    """
    named = {str(name).lower(): value for name, value in document.items()}
    known = [named[name] for name in _LISTS if name in named]
    inner = [value for value in known if isinstance(value, dict)]
    for value in (*known, *named.values(), *(value for each in inner for value in each.values())):
        if isinstance(value, list) and any(map(_is_row, value)):
            return value
    if _is_row(document):
        return None
    return next((value for value in known if isinstance(value, list)), None)


def _is_row(value: object) -> bool:
    """Whether a JSON value can be a row: it has an id, or a time and a model."""
    if not isinstance(value, dict):
        return False
    names = {str(name).lower() for name in value}
    return not names.isdisjoint(ID_NAMES) or {"created_at", "model"} <= names


def _first_line(text: str) -> int:
    before = text[: len(text) - len(text.lstrip())]
    return len(_LINE_END.findall(before)) + 1


def _json_lines(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(_LINE_END.split(text), 1):
        written = line.strip().removesuffix(",")
        if written:
            try:
                yield number, _object(number, json.loads(written, parse_float=_fraction))
            except (ValueError, RecursionError):
                raise refused(number, "is broken JSON; expected an object a line") from None


def _object(line: int, row: object) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        raise refused(line, "is no JSON object")
    return {str(name).lower(): value for name, value in row.items()}
