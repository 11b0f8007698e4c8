"""The scanner finds the audio text however the answer is spelled or cut, and agrees with `json` about the rest."""

import json
import time
import tracemalloc
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from fermata.domain.answer_scanner import DEPTH_LIMIT, SKELETON_LIMIT_BYTES, AnswerScanner, ScannedDocument
from fermata.errors import BadAudioError


def scan(body: bytes, chunk_sizes: Iterable[int] = ()) -> tuple[bytes, ScannedDocument]:
    scanner = AnswerScanner()
    audio = b"".join(scanner.feed(chunk) for chunk in cut(body, chunk_sizes))
    return audio, scanner.close()


def cut(body: bytes, chunk_sizes: Iterable[int]) -> Iterator[bytes]:
    at = 0
    for size in chunk_sizes:
        yield body[at : at + size]
        at += size
    yield body[at:]


def without_audio(document: JsonValue) -> tuple[JsonValue, str | None]:
    """What the scanner should make of a document that `json` has read: the rest, and the audio text or None."""
    if isinstance(document, dict) and isinstance(data := document.get("data"), dict):
        audio = data.get("audio")
        if isinstance(audio, str) and audio[:4].lower() != "http":
            return {**document, "data": {**data, "audio": ""}}, audio
    return document, None


keys = st.sampled_from(["data", "audio", "status", "extra", "aud", "audio2", ""]) | st.text(max_size=4)
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40)
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
audio_texts = st.text("0123456789abcdefABCDEF", max_size=200) | st.sampled_from(["", "http://a/b", "https://a/b?c=%2F"])
chunkings = st.lists(st.integers(min_value=0, max_value=9), max_size=200)
layouts = st.sampled_from([{"indent": 1}, {"separators": (",", ":")}, {"separators": (" ,\r\n", "\t: ")}])


@st.composite
def song_documents(draw: st.DrawFn) -> dict[str, JsonValue]:
    data = draw(st.dictionaries(keys, values, max_size=4))
    if draw(st.booleans()):
        data["audio"] = draw(audio_texts)
    document = draw(st.dictionaries(keys, values, max_size=3)) | {"data": dict(draw(st.permutations([*data.items()])))}
    return dict(draw(st.permutations([*document.items()])))


@given(song_documents() | values, layouts, st.booleans(), chunkings)
@settings(max_examples=150, deadline=None)
def test_any_chunking_and_key_order_gives_what_json_gives(
    document: JsonValue, layout: dict[str, Any], is_ascii: bool, chunks: list[int]
) -> None:
    body = json.dumps(document, ensure_ascii=is_ascii, **layout).encode()
    expected, audio_text = without_audio(json.loads(body))
    audio, scanned = scan(body, chunks)
    assert scanned.flaw is None
    assert scanned.document == expected
    if audio_text is None:
        assert (audio, scanned.hex_digits) == (b"", None)
    else:
        assert json.loads(b'"%s"' % audio) == audio_text
        assert scanned.hex_digits == len(audio)


marks = st.sampled_from(
    [
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b",",
        b'"',
        b"\\",
        b'"data"',
        b'"audio"',
        b"\\u0061",
        b"ff",
        b"http",
        b" ",
        b"1",
        b"\xff",
    ]
)


@given(st.lists(marks, max_size=60).map(b"".join) | st.binary(max_size=80), chunkings)
@settings(max_examples=200, deadline=None)
@example(b'{"data":{"audio":"ab""cd"}}', [])
@example(b'{"data":{"audio":"ab","audio"', [])
@example(b'{"data":{"audio" "ab"', [1] * 30)
def test_hostile_bytes_raise_nothing_but_bad_audio_and_are_judged_like_json(body: bytes, chunks: list[int]) -> None:
    try:
        _, scanned = scan(body, chunks)
    except BadAudioError:
        return
    try:
        json.loads(body.decode("utf-8-sig"), parse_constant=lambda name: json.loads(f"no {name}"))
    except ValueError:
        assert scanned.flaw is not None or scanned.hex_digits
    else:
        assert scanned.flaw is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":{"audio":"0aFF"}}',
        b'\xef\xbb\xbf{"data":{"audio":"0aFF"}}',
        b' {\n"data"\t:\r{ "audio" : "0aFF" } } ',
        b'{"data":{"\\u0061udio":"0aFF"}}',
        b'{"d\\u0061t\\u0061":{"\\u0061\\u0075\\u0064\\u0069\\u006F":"0aFF"}}',
        b'{"audio":"11","data":{"extra":{"audio":"22"},"audio":"0aFF","list":[{"audio":"33"}]},"x":{"audio":"44"}}',
        b'{"data":[],"data":{"audio":"0aFF"}}',
        b'{"result":{"data":{"audio":"0aFF"}}}',
        b'{"result":{"x":{"audio":"11"},"data":{"extra":{"data":{"audio":"22"}},"audio":"0aFF"}},"y":[{"audio":"33"}]}',
        b'{"result":{"data":{}},"data":{"audio":"0aFF"}}',
        b'{"data":{},"result":{"data":{"audio":"0aFF"}}}',
    ],
)
def test_the_audio_text_is_found_at_its_path_only(body: bytes) -> None:
    for size in (1, 2, 3, len(body)):
        audio, scanned = scan(body, [size] * len(body))
        assert (audio, scanned.hex_digits, scanned.flaw) == (b"0aFF", 4, None)


@pytest.mark.parametrize(
    "body",
    [
        b'{"audio":"0aFF"}',
        b'{"data":{"extra":{"audio":"0aFF"}}}',
        b'{"data":[{"audio":"0aFF"}]}',
        b'[{"data":{"audio":"0aFF"}}]',
        b'{"data":{"data":{"audio":"0aFF"}}}',
        b'{"result":{"audio":"0aFF"}}',
        b'{"result":[{"data":{"audio":"0aFF"}}]}',
        b'{"result":{"result":{"data":{"audio":"0aFF"}}}}',
        b'{"data":{"result":{"data":{"audio":"0aFF"}}}}',
        b'{"x":{"data":{"audio":"0aFF"}}}',
        b'{"result":{},"x":{"data":{"audio":"0aFF"}}}',
        b'{"data":{"audio":["0aFF"]}}',
        b'{"data":{"audio":{"audio":"0aFF"}}}',
        b'{"data":{"Audio":"0aFF","audio ":"0aFF"}}',
        b'{"x":{"audio":"0aFF"},"data":null}',
        b'{"data":null,"x":{"audio":"0aFF"}}',
        b'{"data":{"k":"audio","l":"0aFF"}}',
        b'{"data":{"audio":null}}',
    ],
)
def test_any_other_audio_key_is_metadata(body: bytes) -> None:
    audio, scanned = scan(body)
    assert (audio, scanned.hex_digits, scanned.document) == (b"", None, json.loads(body))


@pytest.mark.parametrize(
    "link",
    [
        b"https://a.example/x%2Fy?s=1",
        b"https:\\/\\/a.example\\/x",
        b"HTTP://a",
        b"http",
        b"\\u0068ttps://a",
        b"h\\u0074\\u0074\\u0070s",
    ],
)
def test_a_link_stays_in_the_document(link: bytes) -> None:
    body = b'{"data":{"audio":"%s","status":2}}' % link
    for size in (1, 5, len(body)):
        audio, scanned = scan(body, [size] * len(body))
        assert (audio, scanned.hex_digits, scanned.document) == (b"", None, json.loads(body))


@pytest.mark.parametrize(
    "text", [b"", b"h", b"htt", b"ab\\ncd", b"\\u0061b", b'ab\\"cd', b"\\\\u0068ttp", b" https://a"]
)
def test_a_text_that_is_no_link_is_handed_out_as_it_stands(text: bytes) -> None:
    body = b'{"data":{"audio":"%s"},"n":1}' % text
    for size in (1, 4, len(body)):
        audio, scanned = scan(body, [size] * len(body))
        assert (audio, scanned.hex_digits) == (text, len(text))
        assert scanned.document == {"data": {"audio": ""}, "n": 1}


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":{"audio":"aa","audio":"bb"}}',
        b'{"data":{"audio":"aa"},"data":{"audio":"bb"}}',
        b'{"data":{"audio":"https://a","\\u0061udio":"bb"}}',
        b'{"data":{"audio":null,"x":[1,{"y":2}],"audio":"bb"}}',
    ],
)
def test_a_second_audio_text_is_bad_audio(body: bytes) -> None:
    for size in (1, len(body)):
        with pytest.raises(BadAudioError, match="found a second"):
            scan(body, [size] * len(body))


@pytest.mark.parametrize(
    ("body", "flaw"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"<html></html>", "HTML"),
        (b" \n<!DOCTYPE html>", "HTML"),
        (b"upstream connect error", "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b'{"a":01}', "not JSON"),
        (b'{"a":NaN}', "not JSON"),
        (b'{"a":-Infinity}', "not JSON"),
        (b'{"data":{"audio":"ab""cd"}}', "not JSON"),
        (b'{"data":{"audio":ab}}', "not JSON"),
        (b'{"a":"\xe9"}', "not UTF-8"),
        ('{"a":1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a":"\xc3', "cut short"),
        (b"{", "cut short"),
        (b'{"data":', "cut short"),
        (b'{"data":{"audio":"', "cut short"),
        (b'{"data":{"audio":"abcd', "cut short"),
        (b'{"data":{"audio":"' + b"ab" * 40, "cut short"),
        (b'{"data":{"audio":"https://a', "cut short"),
        (b'{"data":{"audio":"abcd"', "cut short"),
        (b'{"data":{"audio":"abcd"}', "cut short"),
        (b'{"a":1}{"a":1}', "two documents"),
        (b'{"data":{"audio":"ab"}} {"data":{"audio":"ab"}}', "two documents"),
        (b'{"a":"' + b"x" * SKELETON_LIMIT_BYTES + b'"}', "too large"),
        (b"[" * (DEPTH_LIMIT + 1) + b"]" * (DEPTH_LIMIT + 1), "too deeply nested"),
        (b"[" * 100_000, "too deeply nested"),
        (b'{"a":' * 100_000, "too deeply nested"),
        (b'{"a":' + b"9" * 5000 + b"}", "not JSON"),
    ],
)
def test_a_body_that_is_not_one_document_says_why(body: bytes, flaw: str) -> None:
    for size in (1, 7, 4096) if len(body) < 200 else (4096,):
        _, scanned = scan(body, [size] * (len(body) // size))
        assert (scanned.flaw, scanned.document) == (flaw, None)


def test_nesting_up_to_the_limit_is_read() -> None:
    _, scanned = scan(b"[" * DEPTH_LIMIT + b"]" * DEPTH_LIMIT)
    assert scanned.flaw is None


def test_a_stray_text_behind_the_audio_is_not_handed_out() -> None:
    audio, scanned = scan(b'{"data":{"audio":"aa""bb"}}')
    assert (audio, scanned.flaw) == (b"aa", "not JSON")


def test_a_second_document_hands_out_no_audio() -> None:
    audio, _ = scan(b'{"data":{"audio":"aa"}}{"data":{"audio":"bb"}}')
    assert audio == b"aa"


def test_memory_does_not_grow_with_the_audio_text() -> None:
    chunk = b"ab" * 32 * 1024
    scanner = AnswerScanner()
    tracemalloc.start()
    try:
        scanner.feed(b'{"data":{"audio":"00')
        for _ in range(400):
            scanner.feed(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    scanner.feed(b'"}}')
    assert scanner.close().hex_digits == 400 * len(chunk) + 2
    assert peak < 1024 * 1024


def test_audio_text_passes_at_a_hundred_megabytes_a_second() -> None:
    chunk = b"ab" * 32 * 1024
    scanner = AnswerScanner()
    scanner.feed(b'{"data":{"audio":"')
    started = time.process_time()
    for _ in range(800):
        scanner.feed(chunk)
    seconds = time.process_time() - started
    assert 800 * len(chunk) / seconds > 100e6
