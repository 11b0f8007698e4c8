"""A provider's usage export, tolerant of names and strict about values: one wrong line rejects the whole export.

The format is CSV with a header line, a JSON array, a JSON object that contains one, or one JSON object per line. A row
with a negative cost is a refund of the charge with the same id.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveInt, ValidationError

from fermata.domain.money.usage_layouts import ID_NAMES, refused, rows_in
from fermata.domain.money.usage_values import read_amount, read_moment
from fermata.errors import FieldError, InvalidRequestError

MAX_BYTES: Final = 2_000_000
MAX_ROWS: Final = 10_000
"""Both limits keep an export within the payload of one Lambda invocation."""

_COST_NAMES: Final = ("cost_usd", "amount")
_WORDS: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_TEXT_LIMIT: Final = 200


def _moment(value: object) -> object:
    return read_moment(str(value))


def _amount(value: object) -> object:
    return read_amount(str(value))


class UsageRow(BaseModel):
    """One charge or refund of the provider. `line` is its line in the export; `cost_usd` is negative for a refund,
    whatever `charged` is.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", hide_input_in_errors=True)

    line: PositiveInt
    upstream_id: Annotated[str, Field(min_length=1, max_length=_TEXT_LIMIT)] | None = None
    created_at: Annotated[datetime, BeforeValidator(_moment)] | None = None
    model: Annotated[str, Field(min_length=1, max_length=_TEXT_LIMIT)] | None = None
    cost_usd: Annotated[Decimal, Field(ge=-1_000_000, le=1_000_000), BeforeValidator(_amount)] | None = None
    charged: bool = True

    @property
    def is_refund(self) -> bool:
        """Whether the row refunds the charge of another row."""
        return self.cost_usd is not None and self.cost_usd < 0

    @property
    def refund_usd(self) -> Decimal:
        """The refund as a positive amount; 0 for a charge."""
        return -self.cost_usd if self.cost_usd is not None and self.cost_usd < 0 else Decimal(0)


def parse_usage_export(data: bytes) -> list[UsageRow]:
    """The rows of an export; raises `InvalidRequestError` naming the wrong lines (the first ten)."""
    if len(data) > MAX_BYTES:
        raise refused(0, f"is longer than {MAX_BYTES} bytes; split it by day")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise refused(line, "is not UTF-8 text; save the export as UTF-8") from None
    found = list(rows_in(text))
    return checked_rows([_row(line, fields) for line, fields in found])


def checked_rows(rows: list[Any]) -> list[UsageRow]:
    """The valid rows of an export, with each charge's id only once; raises `InvalidRequestError` naming the wrong lines
    (the first ten).
    """
    if not rows:
        raise refused(0, "has no rows; expected at least one")
    if len(rows) > MAX_ROWS:
        raise refused(0, f"has {len(rows)} rows; expected at most {MAX_ROWS}; split it by day")
    wrong: list[FieldError] = []
    good: list[UsageRow] = []
    lines: dict[object, int] = {}
    for row in rows:
        try:
            good.append(_checked(row, lines))
        except InvalidRequestError as error:
            wrong += error.fields
    if wrong:
        raise InvalidRequestError(wrong[:10])
    return good


def _checked(fields: object, lines: dict[object, int]) -> UsageRow:
    line = fields.get("line", 0) if isinstance(fields, Mapping) else 0
    try:
        row = UsageRow.model_validate(fields)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        name = ".".join(str(step) for step in problem["loc"][:1])
        raise refused(line, f"{name}: {problem['msg'].removeprefix('Value error, ')}") from None
    if row.upstream_id is None and (row.created_at is None or row.model is None):
        raise refused(line, f"has no id ({', '.join(ID_NAMES)}); expected one, or created_at and model")
    if row.upstream_id is not None:
        # An order is charged once, but may be refunded in parts.
        same = (row.upstream_id, row.created_at, row.cost_usd) if row.is_refund else row.upstream_id
        first = lines.setdefault(same, row.line)
        if first != row.line:
            what = "refund" if row.is_refund else "id"
            raise refused(line, f"repeats the {what} of line {first}; expected each {what} once")
    return row


def _row(line: int, fields: Mapping[str, Any]) -> dict[str, object]:
    """The known fields under any of their names; empty values count as absent, other fields are ignored."""
    cost = _first(fields, _COST_NAMES)
    known = {
        "upstream_id": _first(fields, ID_NAMES),
        "created_at": _first(fields, ("created_at",)),
        "model": _first(fields, ("model",)),
        "cost_usd": cost,
        "charged": _charged(_first(fields, ("charged",)), cost),
    }
    return {"line": line, **{name: value for name, value in known.items() if value is not None}}


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    texts = (str(fields[name]).strip() for name in names if fields.get(name) is not None)
    return next((text for text in texts if text), None)


def _charged(word: str | None, cost: str | None) -> object:
    if word is not None:
        return _WORDS.get(word.lower(), word)
    try:
        # A row without cost is not a charge.
        return False if cost is not None and not read_amount(cost) else None
    except ValueError:
        return None
