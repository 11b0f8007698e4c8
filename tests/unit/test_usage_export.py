"""A provider's usage export is understood under several names, and refused as a whole where one line is wrong."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from fermata.domain.usage_export import MAX_BYTES, MAX_ROWS, UsageRow, checked_rows, parse_usage_export
from fermata.errors import InvalidRequestError

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def row(line: int = 2, **fields: Any) -> UsageRow:  # noqa: ANN401 - fields of a row
    return UsageRow.model_validate({"line": line, **fields})


FULL: dict[str, Any] = {
    "upstream_id": "a1",
    "created_at": "2026-11-21T12:00:00Z",
    "model": "music-2.5",
    "cost_usd": "0.15",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("upstream_id,created_at,model,cost_usd\na1,2026-11-21T12:00:00Z,music-2.5,0.15\n", row(**FULL)),
        ("ID , Created_At,MODEL,Amount\r\na1,2026-11-21T13:00:00+01:00,music-2.5, 0.15\r\n", row(**FULL)),
        ("task_id\na1", row(upstream_id="a1")),
        ('id,note\n"a1","two\nlines"', row(3, upstream_id="a1")),
        ("\ufeffid\n\na1\n\n", row(3, upstream_id="a1")),
        ("upstream_id,task_id,id\n,,a1", row(upstream_id="a1")),
        ("task_id,id\nthe task,the row", row(upstream_id="the task")),
        ("created_at,model\n2026-11-21 12:00:00,m", row(created_at=NOON, model="m")),
        ("created_at,model\n1795262400,m", row(created_at=NOON, model="m")),
        ("created_at,model\n1795262400000,m", row(created_at=NOON, model="m")),
        ("id,charged\na1,NO", row(upstream_id="a1", charged=False)),
        ("id,charged\na1,", row(upstream_id="a1", charged=True)),
        ("id,amount\na1,0.00", row(upstream_id="a1", cost_usd=Decimal("0.00"), charged=False)),
        ("id,amount,charged\na1,0,yes", row(upstream_id="a1", cost_usd=Decimal(0), charged=True)),
    ],
)
def test_a_csv_export_is_read_by_the_names_in_its_header(text: str, expected: UsageRow) -> None:
    assert parse_usage_export(text.encode()) == [expected]


@pytest.mark.parametrize(
    "document",
    [
        [{"task_id": "a1", "amount": 0.15, "charged": True}],
        {"data": [{"id": "a1", "cost_usd": "0.15"}], "next": None},
        {"items": [{"ID": "a1", "cost_usd": 0.15, "created_at": None, "model": ""}]},
        {"usage": [{"upstream_id": "a1", "amount": 0.15, "more": {"x": 1}}]},
    ],
)
def test_a_json_export_is_a_list_or_has_one(document: object) -> None:
    expected = [row(1, upstream_id="a1", cost_usd=Decimal("0.15"))]
    assert parse_usage_export(json.dumps(document).encode()) == expected


def test_a_json_export_may_have_an_object_a_line() -> None:
    text = '{"id": "a1"}\n\n{"id": "a2", "charged": false}\n'
    assert parse_usage_export(text.encode()) == [row(1, upstream_id="a1"), row(3, upstream_id="a2", charged=False)]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "the export has no rows"),
        (b"id,model\n", "the export has no rows"),
        (b"[]", "the export has no rows"),
        (b"x" * (MAX_BYTES + 1), f"the export is longer than {MAX_BYTES} bytes"),
        (b"id\n" + b"a\n" * (MAX_ROWS + 1), f"the export has {MAX_ROWS + 1} rows"),
        (b"id\na1\n\xff\xfe", "line 3 is not UTF-8"),
        ("id\na1".encode("utf-16"), "line 1 is not UTF-8"),
        (b"id,model\na1,m\na2\n", "line 3 has 1 fields; expected 2"),
        (b"id,model\na1,m,x\n", "line 2 has 3 fields; expected 2"),
        (b'id\na1\n"a2\n', "line 3 is broken CSV"),
        (b"id\na1\na1\n", "line 3 repeats the id of line 2"),
        (b"model\nm\n", "line 2 has no id"),
        (b"created_at\n2026-11-21\n", "line 2 has no id"),
        (b"id,created_at\na1,yesterday\n", "line 2 created_at:"),
        (b"id,amount\na1,-1\n", "line 2 cost_usd:"),
        (b"id,amount\na1,NaN\n", "line 2 cost_usd:"),
        (b"id,amount\na1,cheap\n", "line 2 cost_usd:"),
        (b"id,charged\na1,perhaps\n", "line 2 charged:"),
        (b"id\n" + b"a" * 201, "line 2 upstream_id:"),
        (b'[{"id": "a1"},\n{"id": ]', "line 2 is broken JSON"),
        (b'{"id": "a1"}\n{"id": "a2"', "line 2 is broken JSON"),
        (b'{"id": "a1"}\n[]\n', "line 2 is no JSON object"),
        (b'[{"id": "a1"}, 7]', "line 2 is no JSON object"),
        (b'{"rows": []}', "line 1 expected a JSON array"),
        (b"[" * 100_000, "line 1 is"),
    ],
)
def test_a_broken_export_is_refused_naming_the_line(data: bytes, problem: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_usage_export(data)
    assert caught.value.fields[0].message.startswith(problem)


def test_every_wrong_line_is_named_up_to_ten() -> None:
    lines = "".join(f"a{number},{'x' if number % 2 else '1'}\n" for number in range(40))
    with pytest.raises(InvalidRequestError) as caught:
        parse_usage_export(f"id,amount\n{lines}".encode())
    assert [field.pointer for field in caught.value.fields] == [f"/rows/{line}" for line in range(3, 23, 2)]


@pytest.mark.parametrize("bad", [None, 7, "a1", [], {}, {"line": 0}, {"line": 2, "upstream_id": "a", "more": 1}])
def test_rows_that_came_another_way_are_checked_too(bad: object) -> None:
    with pytest.raises(InvalidRequestError):
        checked_rows([bad])


def test_rows_survive_their_way_to_the_function() -> None:
    rows = [row(**FULL), row(3, created_at=NOON, model="m", charged=False)]
    told = json.loads(json.dumps([each.model_dump(mode="json", exclude_none=True) for each in rows]))
    assert checked_rows(told) == rows
