"""A file of many requests is split as it is read, however the pieces are cut and whatever single lines are like."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata.domain.orders.order_request import read_song_request
from fermata.domain.triggers import json_lines
from fermata.domain.triggers.json_lines import MOST_FIELDS_OF_A_LINE, Line, read_lines
from fermata.domain.web.json_body import MAX_BODY_BYTES, read_object
from fermata.errors import BodyTooLargeError


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


def slugs(*lines: bytes) -> list[tuple[int, str | None]]:
    return [
        (line.number, line.problem.slug if line.problem else None)
        for line in read_lines([b"\n".join(lines)], read_object)
    ]


@given(body=st.lists(st.sampled_from([b'{"a":1}', b"", b"x", b" ", b"{}"]), max_size=8), size=st.integers(1, 9))
def test_the_chunking_of_a_file_does_not_matter(body: list[bytes], size: int) -> None:
    whole = b"\n".join(body)
    found = list(read_lines(pieces(whole, size), read_object))
    assert [line.number for line in found] == [number for number, text in enumerate(body, 1) if text.strip()]
    for line in found:
        text = body[line.number - 1]
        assert whole[line.start : line.start + line.length] == text
        assert (line.problem is None) is (text != b"x")


def test_the_last_line_needs_no_line_feed_and_a_carriage_return_does_no_harm() -> None:
    assert slugs(b'{"a":1}\r', b"{}\r") == [(1, None), (2, None)]
    assert list(read_lines([b"{}\n"], read_object)) == [Line(1, 0, 2, None)]


@pytest.mark.parametrize("nothing", [b"", b"\n", b"\n \n\r\n\t"])
def test_a_file_may_have_no_line(nothing: bytes) -> None:
    assert list(read_lines([nothing], read_object)) == []


@pytest.mark.parametrize(
    ("line", "slug"),
    [
        pytest.param(b"nonsense", "malformed_body", id="not JSON"),
        pytest.param(b'{"a":1', "malformed_body", id="cut"),
        pytest.param(b'{"a":1} {"a":2}', "malformed_body", id="two documents"),
        pytest.param(b'{"a":"\xff"}', "malformed_body", id="not UTF-8"),
        pytest.param("{}".encode("utf-16"), "malformed_body", id="UTF-16"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', "malformed_body", id="byte order mark"),
        pytest.param(b'{"a":1,"a":2}', "malformed_body", id="a name twice"),
        pytest.param(b"[" * 100_000, "malformed_body", id="deep"),
        pytest.param(b"[1]", "invalid_request", id="an array"),
        pytest.param(b'"text"', "invalid_request", id="a text"),
        pytest.param(b'{"a":"' + b"x" * MAX_BODY_BYTES + b'"}', "body_too_large", id="too long"),
    ],
)
def test_a_bad_line_is_reported_by_number_and_stops_no_other(line: bytes, slug: str) -> None:
    assert slugs(b"{}", line, b"{}") == [(1, None), (2, slug), (3, None)]


def test_a_line_may_be_as_long_as_a_body_and_no_longer() -> None:
    longest = b'{"a":"' + b"x" * (MAX_BODY_BYTES - 8) + b'"}'
    for size in (MAX_BODY_BYTES * 3, 1000):
        found = list(read_lines(pieces(longest + b"\n" + longest + b" \n{}", size), read_object))
        assert [line.problem and line.problem.slug for line in found] == [None, "body_too_large", None]
        assert found[2].start == 2 * MAX_BODY_BYTES + 3


def test_a_file_of_one_endless_line_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "MAX_FILE_BYTES", 1000)
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 100

    with pytest.raises(BodyTooLargeError, match="longer than 1000 bytes"):
        list(read_lines(endless(), read_object))
    assert taken <= 12


def test_a_file_of_too_many_lines_is_refused_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "MAX_LINES", 3)
    body = json.dumps({}).encode()
    assert len(list(read_lines([b"\n".join([body] * 3)], read_object))) == 3
    with pytest.raises(BodyTooLargeError, match="more than 3 lines"):
        list(read_lines([b"\n".join([body] * 4)], read_object))


def test_of_a_line_of_nothing_but_wrong_fields_a_few_are_named() -> None:
    line = json.dumps({f"wrong{number}": "x" for number in range(200)}).encode()
    (found,) = read_lines([line], read_song_request)
    assert found.problem is not None
    assert len(found.problem.fields) == MOST_FIELDS_OF_A_LINE
    assert len(json.dumps(found.problem.document())) < 6000
