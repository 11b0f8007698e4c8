"""A provider's usage export, tolerant of names and strict about values: with one wrong line nothing is taken.

CSV with a header line, a JSON array, a JSON object with one under `data`, `items` or `usage`, or a JSON object a line.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveInt, ValidationError

from fermata.errors import FieldError, InvalidRequestError

MAX_BYTES: Final = 2_000_000
MAX_ROWS: Final = 10_000
"""Both keep an export within what one call of a Lambda function may carry."""

_ID_NAMES: Final = ("upstream_id", "task_id", "id")
_COST_NAMES: Final = ("cost_usd", "amount")
_LISTS: Final = ("data", "items", "usage")
_WORDS: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_TEXT_LIMIT: Final = 200


def _moment(value: object) -> object:
    """A moment in UTC, from RFC 3339 text (without an offset it counts as UTC) or seconds or ms since 1970."""
    text = str(value)
    if text.isdecimal() and len(text) <= len("1800000000000"):
        return datetime.fromtimestamp(int(text) / (1000 if len(text) > len("1800000000") else 1), UTC)
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class UsageRow(BaseModel):
    """One thing that the provider says it was used for. `line` is where it stands in the export."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    line: PositiveInt
    upstream_id: Annotated[str, Field(min_length=1, max_length=_TEXT_LIMIT)] | None = None
    created_at: Annotated[datetime, BeforeValidator(_moment)] | None = None
    model: Annotated[str, Field(min_length=1, max_length=_TEXT_LIMIT)] | None = None
    cost_usd: Annotated[Decimal, Field(ge=0, le=1_000_000)] | None = None
    charged: bool = True


def parse_usage_export(data: bytes) -> list[UsageRow]:
    """The rows of an export; raises `InvalidRequestError` naming every wrong line (of the first ten)."""
    if len(data) > MAX_BYTES:
        raise _refused(0, f"is longer than {MAX_BYTES} bytes; split it by day")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _refused(line, "is not UTF-8 text; save the export as UTF-8") from None
    found = list(_json_rows(text) if text.lstrip()[:1] in ("[", "{") else _csv_rows(text))
    return checked_rows([_row(line, fields) for line, fields in found])


def checked_rows(rows: list[Any]) -> list[UsageRow]:
    """Rows of an export that are whole, each id once; raises `InvalidRequestError` naming every wrong line (of the
    first ten).
    """
    if not rows:
        raise _refused(0, "has no rows; expected at least one")
    if len(rows) > MAX_ROWS:
        raise _refused(0, f"has {len(rows)} rows; expected at most {MAX_ROWS}; split it by day")
    wrong: list[FieldError] = []
    good: list[UsageRow] = []
    lines: dict[str, int] = {}
    for row in rows:
        try:
            good.append(_checked(row, lines))
        except InvalidRequestError as error:
            wrong += error.fields
    if wrong:
        raise InvalidRequestError(wrong[:10])
    return good


def _checked(fields: object, lines: dict[str, int]) -> UsageRow:
    line = fields.get("line", 0) if isinstance(fields, Mapping) else 0
    try:
        row = UsageRow.model_validate(fields)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        name = ".".join(str(step) for step in problem["loc"][:1])
        raise _refused(line, f"{name}: {problem['msg'].removeprefix('Value error, ')}") from None
    if row.upstream_id is None and (row.created_at is None or row.model is None):
        raise _refused(line, f"has no id ({', '.join(_ID_NAMES)}); expected one, or created_at and model")
    if row.upstream_id is not None:
        first = lines.setdefault(row.upstream_id, row.line)
        if first != row.line:
            raise _refused(line, f"repeats the id of line {first}; expected each id once")
    return row


def _csv_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    try:
        for cells in reader:
            if not any(cells):
                continue
            if header is None:
                header = [cell.strip().lower() for cell in cells]
                continue
            if len(cells) != len(header):
                raise _refused(reader.line_num, f"has {len(cells)} fields; expected {len(header)} as in the header")
            yield reader.line_num, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise _refused(reader.line_num, f"is broken CSV: {error}") from None


def _json_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        document = json.loads(text, parse_float=Decimal)
    except json.JSONDecodeError as error:
        if not text.lstrip().startswith("{"):
            raise _refused(error.lineno, f"is broken JSON: {error.msg}") from None
        yield from _json_lines(text)
        return
    except RecursionError:
        raise _refused(1, "is nested too deeply") from None
    rows = document
    if isinstance(document, dict):
        rows = next((document[name] for name in _LISTS if name in document), None)
    if not isinstance(rows, list):
        raise _refused(1, f"expected a JSON array, or an object with one under {', '.join(_LISTS)}")
    yield from ((number, _object(number, row)) for number, row in enumerate(rows, 1))


def _json_lines(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield number, _object(number, json.loads(line, parse_float=Decimal))
            except (json.JSONDecodeError, RecursionError):
                raise _refused(number, "is broken JSON; expected an object a line") from None


def _object(line: int, row: object) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        raise _refused(line, "is no JSON object")
    return {str(name).lower(): value for name, value in row.items()}


def _row(line: int, fields: Mapping[str, Any]) -> dict[str, object]:
    """The fields that are known under one of their names; what is empty was not said, anything else is left out."""
    cost = _first(fields, _COST_NAMES)
    known = {
        "upstream_id": _first(fields, _ID_NAMES),
        "created_at": _first(fields, ("created_at",)),
        "model": _first(fields, ("model",)),
        "cost_usd": cost,
        "charged": _charged(_first(fields, ("charged",)), cost),
    }
    return {"line": line, **{name: value for name, value in known.items() if value is not None}}


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    told = (str(fields[name]).strip() for name in names if fields.get(name) is not None)
    return next((text for text in told if text), None)


def _charged(word: str | None, cost: str | None) -> object:
    if word is not None:
        return _WORDS.get(word.lower(), word)
    # What was listed at no cost was not charged.
    return None if cost is None or cost.strip("0.") else False


def _refused(line: int, message: str) -> InvalidRequestError:
    """Line 0 stands for the export as a whole."""
    if not line:
        return InvalidRequestError([FieldError("/rows", f"the export {message}")])
    return InvalidRequestError([FieldError(f"/rows/{line}", f"line {line} {message}")])
