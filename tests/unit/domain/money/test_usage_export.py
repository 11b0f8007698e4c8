"""A provider's usage export is understood under several names, and refused as a whole where one line is wrong."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from fermata.domain.money.usage_export import MAX_BYTES, MAX_ROWS, UsageRow, checked_rows, parse_usage_export
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
    "text",
    [
        '{"id": "a1"}',
        '{"id": "a1"}\n',
        '\ufeff{"id": "a1"}\r\n',
        '{"id": "a1"},\n',
        '{"id": "a1", "data": [], "usage": {"seconds": 30}}',
        '{"id": "a1", "items": ["one", "two"]}',
        '{"ID": "a1", "tags": []}',
        '{\n  "id": "a1",\n  "note": "pretty"\n}\n',
    ],
)
def test_one_json_line_is_an_export(text: str) -> None:
    assert parse_usage_export(text.encode()) == [row(1, upstream_id="a1")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", ",\n", "\n\n", " \n\t\n"])
def test_lines_of_json_end_as_files_end_lines(end: str) -> None:
    text = end.join(['{"id": "a1", "note": "one\u2028line\u0085still"}', '{"id": "a2"}', ""])
    assert [each.upstream_id for each in parse_usage_export(text.encode())] == ["a1", "a2"]


@pytest.mark.parametrize(
    "document",
    [
        {"results": [{"id": "a1"}], "errors": [], "pages": [1, 2]},
        {"id": "export-7", "created_at": "2026-11-21", "data": [{"id": "a1"}]},
        {"data": {"total": 1, "list": [{"id": "a1"}]}},
        {"Records": [{"created_at": "2026-11-21T12:00:00Z", "model": "m"}]},
    ],
)
def test_the_list_of_an_export_may_have_another_name(document: object) -> None:
    assert len(parse_usage_export(json.dumps(document).encode())) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1795262400.106", 0.106),
        ("1795262400.1069999", 0.106999),
        ("1795262400106", 0.106),
        ("1795262400106.5", 0.1065),
        ("1795262400106500", 0.1065),
        ("1.795262400106E9", 0.106),
        ("+1795262400", 0),
        ("2026-11-21T12:00:00.106Z", 0.106),
        ("2026-11-21 12:00:00 UTC", 0),
        ("2026-11-21 13:00:00 +0100", 0),
        ("20261121T120000Z", 0),
    ],
)
def test_a_timestamp_may_have_a_fraction_in_every_format(text: str, seconds: float) -> None:
    moment = NOON + timedelta(seconds=seconds)
    layouts = [f'created_at,model\n"{text}",m\n', json.dumps([{"created_at": text, "model": "m"}])]
    if text[0].isdecimal() and text.replace(".", "").replace("E", "").isdecimal():
        layouts.append(f'{{"created_at": {text}, "model": "m"}}')
    assert {parse_usage_export(layout.encode())[0].created_at for layout in layouts} == {moment}


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("1.5e-1", "0.15"),
        (" 0.15 ", "0.15"),
        ("$0.15", "0.15"),
        ("0.15 USD", "0.15"),
        ("US$ 1,234.50", "1234.50"),
        (".15", "0.15"),
        ("-0.15", "-0.15"),
        ("\N{MINUS SIGN}0.15", "-0.15"),
        ("-$0.15", "-0.15"),
        ("$-0.15", "-0.15"),
        ("($0.15)", "-0.15"),
        ("-1,234", "-1234"),
    ],
)
def test_an_amount_is_read_as_exports_and_spreadsheets_write_it(text: str, cost: str) -> None:
    (found,) = parse_usage_export(f'id,amount\na1,"{text}"\n'.encode())
    assert (found.cost_usd, found.is_refund) == (Decimal(cost), cost.startswith("-"))


@pytest.mark.parametrize("nothing", ["0", "0.00", "-0", "0e0", "$0.00", "+0", "(0.00)"])
def test_what_was_listed_at_no_cost_was_not_charged_however_the_zero_is_written(nothing: str) -> None:
    (found,) = parse_usage_export(f"id,amount\na1,{nothing}\n".encode())
    assert (found.charged, found.is_refund) == (False, False)


def test_an_order_may_be_refunded_in_parts_beside_its_charge() -> None:
    rows = parse_usage_export(b"id,amount\na1,0.15\na1,-0.10\na1,-0.05\n")
    assert [each.refund_usd for each in rows] == [Decimal(0), Decimal("0.10"), Decimal("0.05")]


def test_commas_at_the_ends_of_lines_add_no_fields() -> None:
    assert parse_usage_export(b"id,amount,\na1,0.15,\na2,0.15\n , , \n")[1].upstream_id == "a2"


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
        (b"id,amount\na1,-1000001\n", "line 2 cost_usd:"),
        (b"id,amount\na1,(0.15\n", "line 2 cost_usd:"),
        (b'id,amount\na1,"0,15"\n', "line 2 cost_usd: must be an amount in USD with a decimal point"),
        (b'id,amount\na1,"1,2345"\n', "line 2 cost_usd:"),
        ("id,amount\na1,€0.15\n".encode(), "line 2 cost_usd:"),
        (b"id,amount\na1,0x1\n", "line 2 cost_usd:"),
        (b"id,amount\na1,-Infinity\n", "line 2 cost_usd:"),
        (b"id,created_at\na1,1.79597E+09\n", "line 2 created_at: must have all of its digits"),
        (b"id,created_at\na1,1e40\n", "line 2 created_at:"),
        (b"id,created_at\na1,17959657071060000000\n", "line 2 created_at:"),
        (b"id,created_at\na1,-1795965707\n", "line 2 created_at:"),
        (b"id,created_at\na1,0001-01-01T00:00:00+14:00\n", "line 2 created_at:"),
        (b"id,amount\na1,-0.15\na1,-0.15\n", "line 3 repeats the refund of line 2"),
        (b"id,amount\na1,0.15\na1,-0.15\na1,0.15\n", "line 4 repeats the id of line 2"),
        (b'{"id": "a1", "amount": "cheap"}', "line 1 cost_usd:"),
        (b'\n\n{"id": "a1", "amount": "cheap"}\n', "line 3 cost_usd:"),
        (b'{"data": [{"id": "a1"}, 7]}', "line 2 is no JSON object"),
        (b'{"id": "envelope", "data": [{"id": "a1"}, 7]}', "line 2 is no JSON object"),
        (b'{"data": []}', "the export has no rows"),
        (b'[{"id": "a1", "amount": ' + b"1" * 5000 + b"}]", "line 1 has a number that is too long"),
        (b'[{"id": "a1", "amount": 1e' + b"9" * 30 + b"}]", "line 1 has a number that is too long"),
        (b'{"id": "a1", "amount": 1}\n{"id": "a1", "amount": 1e' + b"9" * 30 + b"}", "line 2 is broken JSON"),
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
def test_rows_that_were_not_read_from_a_file_are_checked_too(bad: object) -> None:
    with pytest.raises(InvalidRequestError):
        checked_rows([bad])


def test_rows_are_unchanged_after_the_transfer_to_the_function() -> None:
    rows = [row(**FULL), row(3, created_at=NOON, model="m", charged=False)]
    told = json.loads(json.dumps([each.model_dump(mode="json", exclude_none=True) for each in rows]))
    assert checked_rows(told) == rows
