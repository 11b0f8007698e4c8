"""Pages of lists as CSV (RFC 4180), for callers whose `Accept` names `text/csv`."""

import csv
import io
import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from pydantic import JsonValue

from fermata.api.answers import answer
from fermata.api.responses.body import Body

NEXT_CURSOR: Final = "Next-Cursor"
"""The header with the `next_cursor` of a page in CSV; missing on the last page."""

_CSV: Final = "text/csv"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets may execute a cell that begins with one of these."""


def page_of(event: APIGatewayProxyEventV2, page: Body, columns: Sequence[str]) -> Response[str]:
    """A page with `data` and `next_cursor`: as JSON, or in CSV with these columns where the request asks for it."""
    if not wants_csv(event.headers.get("accept", "")):
        return answer(HTTPStatus.OK, page)
    body = page.as_json()
    data, cursor = body["data"], body["next_cursor"]
    headers = {"Cache-Control": "no-store", **({NEXT_CURSOR: cursor} if isinstance(cursor, str) else {})}
    rows = data if isinstance(data, list) else []
    return Response(HTTPStatus.OK, f"{_CSV}; charset=utf-8", csv_text(rows, columns), headers)


def wants_csv(accept: str) -> bool:
    """Whether an `Accept` header names `text/csv`, and not with the weight 0."""
    for media_range in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in media_range.split(";"))
        if kind == _CSV:
            return not any(each.startswith("q=") and not each[2:].strip("0.") for each in parameters)
    return False


def csv_text(rows: Sequence[JsonValue], columns: Sequence[str]) -> str:
    """Objects as CSV with a header line."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows if isinstance(row, dict))
    return written.getvalue()


def _cell(value: JsonValue) -> str:
    """The text of a cell: empty for null, JSON for an object. A text that a spreadsheet could take for a formula gets
    an apostrophe in front.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return json.dumps(value)
