"""The scanner finds the audio text however the answer is spelled or cut, and agrees with `json` about the rest."""

import json
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from random import Random
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from fermata.domain.audio.answer_scanner import MARKS_LIMIT, AnswerScanner, ScannedDocument
from fermata.domain.audio.answer_skeleton import DEPTH_LIMIT, LIMIT_BYTES


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


def without_audio(document: JsonValue) -> tuple[JsonValue, list[str]]:
    """What the scanner should make of a document that `json` has read: the rest, and every audio text but links."""
    if not isinstance(document, dict) or not isinstance(document.get("data"), dict | list):
        return document, []
    data = document["data"]
    entries = [data] if isinstance(data, dict) else data if isinstance(data, list) else []
    found = [_without_text(entry) for entry in entries]
    rest = [each for each, _ in found]
    texts = [text for _, text in found if text is not None]
    return {**document, "data": rest[0] if isinstance(data, dict) else rest}, texts


def _without_text(entry: JsonValue) -> tuple[JsonValue, str | None]:
    audio = entry.get("audio") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(audio, str):
        return entry, None
    if audio.lstrip(" ")[:4].lower() == "http":
        return {**entry, "audio": audio.lstrip(" ")}, None
    return {**entry, "audio": ""}, audio.lstrip(" ")


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
    expected, texts = without_audio(json.loads(body))
    audio, scanned = scan(body, chunks)
    assert (scanned.flaw, scanned.document) == (None, expected)
    if texts:
        assert json.loads(b'"%s"' % audio) == next(filter(None, texts), "")
        assert scanned.text_length == len(audio)
    else:
        assert (audio, scanned.text_length) == (b"", None)


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
def test_hostile_bytes_raise_nothing_and_what_is_json_is_no_flaw(body: bytes, chunks: list[int]) -> None:
    _, scanned = scan(body, chunks)
    with suppress(ValueError):
        json.loads(body.decode("utf-8-sig"))
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
        assert (audio, scanned.text_length, scanned.flaw) == (b"0aFF", 4, None)


@pytest.mark.parametrize(
    "body",
    [
        b'{"audio":"0aFF"}',
        b'{"data":{"extra":{"audio":"0aFF"}}}',
        b'[{"data":{"audio":"0aFF"}}]',
        b'{"x":[{"audio":"0aFF"}]}',
        b'{"data":[[{"audio":"0aFF"}]]}',
        b'{"data":[{"x":{"audio":"0aFF"}}]}',
        b'{"data":{"data":[{"audio":"0aFF"}]}}',
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
    assert (audio, scanned.text_length, scanned.document) == (b"", None, json.loads(body))


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
        assert (audio, scanned.text_length, scanned.document) == (b"", None, json.loads(body))


@pytest.mark.parametrize("text", [b"", b"h", b"htt", b"ab\\ncd", b"\\u0061b", b'ab\\"cd', b"\\\\u0068ttp"])
def test_a_text_that_is_no_link_is_handed_out_as_it_stands(text: bytes) -> None:
    body = b'{"data":{"audio":"%s"},"n":1}' % text
    for size in (1, 4, len(body)):
        audio, scanned = scan(body, [size] * len(body))
        assert (audio, scanned.text_length) == (text, len(text))
        assert scanned.document == {"data": {"audio": ""}, "n": 1}


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":{"audio":"aa","audio":"bb"}}',
        b'{"data":{"audio":"aa"},"data":{"audio":"bb"}}',
        b'{"data":[{"audio":"aa"},{"audio":"bb"}]}',
        b'{"data":[{"audio":""},{"audio":"aa"},{"audio":"bb"},{"audio":"cc"}]}',
        b'{"data":{"audio":"aa"},"result":{"data":{"audio":"bb"}}}',
        b'{"data":[{"audio":"https://a"},{"audio":"aa"},{"audio":"bb"}]}',
    ],
)
def test_of_several_audio_texts_the_first_is_the_song(body: bytes) -> None:
    for size in (1, 3, len(body)):
        audio, scanned = scan(body, [size] * len(body))
        assert (audio, scanned.text_length, scanned.flaw) == (b"aa", 2, None)


@pytest.mark.parametrize(
    "beside",
    [
        {"data": [{"audio": "aa"}, {"audio": "bb", "audio_url": "https://a/2"}], "task_id": "t-1"},
        {"task_id": "t-1", "data": [{"audio": "aa", "url": "https://a/1"}, {"audio": "bb"}], "code": 200},
    ],
    ids=str,
)
def test_a_second_text_takes_nothing_from_what_stands_beside_it(beside: dict[str, Any]) -> None:
    body = json.dumps(beside).encode()
    emptied = [{**song, "audio": ""} for song in beside["data"]]
    for size in (1, 5, len(body)):
        assert scan(body, [size] * len(body))[1].document == {**beside, "data": emptied}


@pytest.mark.parametrize(
    "songs",
    [
        [{"audio": "https://a/1.mp3"}, {"audio": "https://a/2.mp3"}],
        [{"audio": "https://a/1.mp3", "status": "complete"}] * 2,
        [{"audio": f"https://a/{n}.mp3"} for n in range(5)],
    ],
    ids=str,
)
@pytest.mark.parametrize("place", [lambda data: {"data": data}, lambda data: {"result": {"data": data}, "id": "t-1"}])
def test_several_links_stay_in_the_document(songs: JsonValue, place: Callable[[JsonValue], JsonValue]) -> None:
    body = json.dumps(place(songs)).encode()
    for size in (1, 5, len(body)):
        audio, scanned = scan(body, [size] * len(body))
        assert (audio, scanned.text_length, scanned.document) == (b"", None, json.loads(body))


@pytest.mark.parametrize(
    "body", [b'{"data":{"audio":"https://a","\\u0061udio":"bb"}}', b'{"data":{"audio":"bb","audio":"https://a"}}']
)
def test_a_link_and_a_text_under_the_same_name_are_both_found(body: bytes) -> None:
    audio, scanned = scan(body)
    assert (audio, scanned.document) == (b"bb", {"data": {"audio": "https://a"}})


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
        (b'{"a" 1}', "not JSON"),
        (b'{"a":1,}', "not JSON"),
        (b'{,"a":1}', "not JSON"),
        (b'{"data":{"audio":"ab"},}', "not JSON"),
        (b'{"data":{"audio":"ab""cd"}}', "not JSON"),
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
        (b"x" * (LIMIT_BYTES + 1), "too large"),
        (b"[" + b"1," * LIMIT_BYTES + b"1]", "too large"),
        (b"<html>" + b"x" * LIMIT_BYTES, "HTML"),
        (b"[" * 100_000, "cut short"),
        (b'{"a":' * 100_000, "cut short"),
        (b'data: {"a":1}\n\ndata: {"a":2}\n\n', "two documents"),
        (b'data: {"data":{"audio":"abcd', "cut short"),
    ],
)
def test_a_body_that_is_not_one_document_says_why(body: bytes, flaw: str) -> None:
    for size in (1, 7, 4096) if len(body) < 200 else (4096,):
        _, scanned = scan(body, [size] * (len(body) // size))
        assert (scanned.flaw, scanned.document) == (flaw, None)


def test_nesting_up_to_the_limit_is_read() -> None:
    body = b"[" * DEPTH_LIMIT + b"]" * DEPTH_LIMIT
    assert scan(body)[1].document == json.loads(body)


def test_a_document_of_nothing_but_marks_is_given_up() -> None:
    scanner = AnswerScanner()
    for _ in range(MARKS_LIMIT // 60_000 + 1):
        scanner.feed(b"[" * 60_000)
    assert scanner.close().flaw == "too large"


def test_a_stray_text_behind_the_audio_is_not_handed_out() -> None:
    audio, scanned = scan(b'{"data":{"audio":"aa""bb"}}')
    assert (audio, scanned.flaw) == (b"aa", "not JSON")


def test_a_second_document_hands_out_no_audio() -> None:
    audio, _ = scan(b'{"data":{"audio":"aa"}}{"data":{"audio":"bb"}}')
    assert audio == b"aa"


HEX: Final = b"494433" * 40
VERDICT: Final = {"status_code": 0, "status_msg": "success"}


def song_beside(noise: bytes) -> bytes:
    """An answer with a whole song and a verdict, and with more members in each of its objects."""
    return b'{%s,"data":{%s,"audio":"%s","status":2,%s},%s,"base_resp":{"status_code":0,"status_msg":"success"}}' % (
        *[noise] * 2,
        HEX,
        *[noise] * 2,
    )


ODDITIES: Final = [
    pytest.param(b'"n":NaN', id="nan"),
    pytest.param(b'"n":[-Infinity,Infinity,{"x":NaN}]', id="infinity"),
    pytest.param(b'"n":undefined', id="undefined"),
    pytest.param(b'"n":None,"m":True', id="python"),
    pytest.param(b'"n":01,"m":+1,"k":.5,"j":1.', id="numbers"),
    pytest.param(b'"n":1e999,"m":-1e999', id="overflow"),
    pytest.param(b'"n":' + b"9" * 5000, id="digits"),
    pytest.param(b'"n":"line\nline\r\ttab\x00\x1f"', id="raw_controls"),
    pytest.param(b'"n":"nul \\u0000 x"', id="nul"),
    pytest.param(b'"n":"rain \\ud83d","m":"\\uDE00\\uD83D"', id="surrogates"),
    pytest.param(b'"n":"C:\\music \\x41 \\u12 \\\'"', id="escapes"),
    pytest.param('"n":"成功"'.encode("gbk"), id="gbk"),
    pytest.param('"n":"表示 \\n"'.encode("shift_jis"), id="shift_jis"),
    pytest.param('"n":"été"'.encode("latin-1"), id="latin_1"),
    pytest.param('"été":1'.encode("latin-1"), id="latin_1_key"),
    pytest.param(b'"n":"\xff\xfe\xc0\x80\xed\xa0\x80"', id="no_utf_8"),
    pytest.param(b'"n":' + b"[" * 500 + b'"a",{"b":1}' + b"]" * 500, id="deep"),
    pytest.param(b'"n":' + b'{"data":' * 300 + b'{"audio":"ff"}' + b"}" * 300, id="deep_data"),
    pytest.param(b'"n":"' + b"x" * 3_000_000 + b'"', id="long_text"),
    pytest.param(b'"n":"' + b"\\\\" * 500_000 + b'"', id="long_escapes"),
    pytest.param(b'"n":"' + b"\\ud83d\\ude00" * 100_000 + b'"', id="long_emoji"),
    pytest.param(b'"n":[' + b"0.123456789," * 100_000 + b"0]", id="long_list"),
    pytest.param(b'"n":[' + b'{"word":"rain","at":1.5},' * 30_000 + b"{}]", id="long_list_of_objects"),
    pytest.param(b'"n":{"m":{"k":[' + b"[1,2]," * 100_000 + b"1]}}", id="long_list_inside"),
    pytest.param(b'"n":{' + b",".join(b'"%d":%d' % (n, n) for n in range(25_000)) + b"}", id="many_members_inside"),
    pytest.param(b",".join(b'"n%d":%d' % (n, n) for n in range(25_000)), id="many_members"),
    pytest.param(b",".join(b'"n%d":"%s"' % (n, b"y" * 1000) for n in range(1000)), id="many_texts"),
    pytest.param(b",".join(b'"%s":1' % (b"k" * 5000 + b"%d" % n) for n in range(500)), id="long_names"),
    pytest.param(b'"n":' + b" \n" * 1_000_000 + b"1", id="padding"),
    pytest.param(b'"n":{},"n":[],"n":null,"n":1,"n":""', id="same_name"),
]


@pytest.mark.parametrize("noise", ODDITIES)
@pytest.mark.parametrize("size", [997, 65_536])
def test_damage_in_unused_fields_does_not_lose_the_song(noise: bytes, size: int) -> None:
    body = song_beside(noise)
    audio, scanned = scan(body, [size] * (len(body) // size))
    assert (audio, scanned.flaw, scanned.text_length) == (HEX, None, len(HEX))
    assert isinstance(scanned.document, dict)
    assert scanned.document["base_resp"] == VERDICT
    data = scanned.document["data"]
    assert isinstance(data, dict)
    assert (data["audio"], data["status"]) == ("", 2)
    json.dumps(scanned.document, ensure_ascii=False).encode()


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
def test_small_oddities_may_be_cut_anywhere(size: int) -> None:
    for noise in (param.values[0] for param in ODDITIES):
        if isinstance(noise, bytes) and len(noise) < 100:
            body = song_beside(noise)
            audio, scanned = scan(body, [size] * len(body))
            assert (audio, scanned.flaw) == (HEX, None)


@pytest.mark.parametrize(
    "frame",
    [
        b"%s",
        b"\xef\xbb\xbf%s",
        b"\r\n \xef\xbb\xbf\n%s\n\n",
        b"\x00\x00%s\x00\x00",
        b" \n" * 50_000 + b"%s" + b"\n" * 50_000,
        b"%s}",
        b"%s\n<!-- cdn -->",
        b"%s trailing words",
        b"data: %s\n\n",
        b"data:%s",
        b"\xef\xbb\xbfdata: %s\r\n\r\n",
        b": ping\n\nevent: message\nid: 7\nretry: 100\ndata: %s\n\n",
        b"data: %s\n\ndata: [DONE]\n\n",
        b"data: %s\n\n: bye\nevent: done\ndata: [DONE]",
    ],
)
@pytest.mark.parametrize("size", [1, 3, 65_536])
def test_what_stands_around_the_document_does_not_lose_the_song(frame: bytes, size: int) -> None:
    body = frame.replace(b"%s", song_beside(b'"n":1'))
    audio, scanned = scan(body, [size] * (len(body) // size))
    assert (audio, scanned.flaw) == (HEX, None)
    assert isinstance(scanned.document, dict)
    assert scanned.document["base_resp"] == VERDICT


def test_a_document_over_several_lines_of_an_event_is_read() -> None:
    lines = json.dumps({"data": {"audio": "0aFF"}, "n": [1, {"m": 2}]}, indent=1).splitlines()
    audio, scanned = scan("".join(f"data: {line}\n" for line in lines).encode())
    assert (audio, scanned.document) == (b"0aFF", {"data": {"audio": ""}, "n": [1, {"m": 2}]})


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":null,"data":{"audio":"0aFF"}}',
        b'{"data":{"audio":"0aFF"},"data":null}',
        b'{"data":{"audio":"","audio":"0aFF"}}',
        b'{"data":{"audio":"0aFF","audio":""}}',
        b'{"data":{"audio":null,"x":[1,{"y":2}],"audio":"0aFF"}}',
        b'{"data":{"audio":{},"audio":"0aFF"}}',
        b'{"data":{"audio":"0aFF","audio":"0aFF"}}',
        b'{"data":{"audio":"0aFF"},"result":{"data":{"audio":"0aFF"}}}',
        b'{"data":[{"audio":"0aFF"}]}',
        b'{"data":[1,{"x":{}},{"audio":"0aFF"},{"audio":""}]}',
        b'{"result":{"data":[{"audio":"0aFF"}]}}',
        b'{"data":{"audio":" \t\n0aFF"}}',
    ],
)
@pytest.mark.parametrize("size", [1, 4, 1000])
def test_an_empty_or_equal_second_text_is_no_second_song(body: bytes, size: int) -> None:
    audio, scanned = scan(body, [size] * len(body))
    assert (audio, scanned.text_length, scanned.flaw) == (b"0aFF", 4, None)


@pytest.mark.parametrize(
    "body",
    [b'{"data":{"audio":"https://a","audio":""}}', b'{"data":{"audio":null,"audio":"https://a","audio":"https://a"}}'],
)
def test_an_empty_second_text_does_not_lose_a_link(body: bytes) -> None:
    assert scan(body)[1].document == {"data": {"audio": "https://a"}}


def test_a_large_list_beside_a_link_does_not_lose_the_link() -> None:
    peaks = b"[" + b"0.5," * 500_000 + b"0]"
    body = b'{"outputs":[{"peaks":%s,"url":"https://a/1.mp3","b64":"%s"}],"code":0}' % (peaks, b"QUJD" * 500_000)
    _, scanned = scan(body, [65_536] * 80)
    assert isinstance(scanned.document, dict)
    outputs: Any = scanned.document["outputs"]
    assert (outputs[0]["peaks"], outputs[0]["url"], scanned.document["code"]) == (None, "https://a/1.mp3", 0)


noisy_texts = st.text(max_size=30) | st.sampled_from(["a" * 20_000, "\\" * 17_000, "é" * 9000])
noise_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | noisy_texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
noise_objects = st.dictionaries(
    st.text(max_size=8).filter(lambda name: name not in ("data", "audio", "result")), noise_values, max_size=4
)


@given(noise_objects, noise_objects, st.booleans(), st.randoms(use_true_random=False), chunkings)
@settings(max_examples=150, deadline=None)
def test_any_noise_beside_a_whole_song_leaves_the_song(
    outside: dict[str, Any], inside: dict[str, Any], is_ascii: bool, shuffle: Random, chunks: list[int]
) -> None:
    song = {**inside, "audio": HEX.decode(), "status": 2}
    data = dict(shuffle.sample([*song.items()], len(song)))
    whole = {**outside, "data": data, "base_resp": VERDICT}
    whole = dict(shuffle.sample([*whole.items()], len(whole)))
    audio, scanned = scan(json.dumps(whole, ensure_ascii=is_ascii).encode(), chunks)
    assert (audio, scanned.flaw) == (HEX, None)
    assert isinstance(scanned.document, dict)
    assert scanned.document["base_resp"] == VERDICT


@given(
    st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=4) | marks, st.integers(0, 3)), min_size=1, max_size=6),
    chunkings,
)
@settings(max_examples=300, deadline=None)
def test_a_mutated_answer_raises_nothing(mutations: list[tuple[int, bytes, int]], chunks: list[int]) -> None:
    body = song_beside(b'"n":[1,"\\u00e9",{"m":null}]')
    for at, put_in, taken_out in mutations:
        body = body[:at] + put_in + body[at + taken_out :]
    _, scanned = scan(body, chunks)
    assert scanned.flaw is None or scanned.document is None
    json.dumps(scanned.document).encode()


hostile_parts = st.sampled_from(
    [
        b"[",
        b"{",
        b'"',
        b",",
        b'"k":',
        b'"data":{',
        b"[1,",
        b'{"a":',
        b'"' + b"x" * 900 + b'",',
        b"\\",
        b"\xe9",
        b"1" * 500,
        b" ",
        b"}",
        b"]",
    ]
)


@given(st.lists(hostile_parts, min_size=1, max_size=5).map(b"".join))
@settings(max_examples=8, deadline=None)
@example(b"[")
@example(b'{"a":')
@example(b'"' + b"x" * 900 + b'",')
@example(b'"aud')
def test_memory_stays_bounded_whatever_is_repeated(part: bytes) -> None:
    limit_bytes = 2048
    chunk = part * (limit_bytes // len(part) + 1)
    scanner = AnswerScanner(limit_bytes)
    scanner.feed(b'{"n":')
    tracemalloc.start()
    try:
        for _ in range(20):
            scanner.feed(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * limit_bytes


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
    assert scanner.close().text_length == 400 * len(chunk) + 2
    assert peak < 1024 * 1024


DATA_URI = b"data:audio/mpeg;base64,SUQzBAAAAAA="


@pytest.mark.parametrize(
    "body",
    [
        b'{"outputs":[{"url":"%s"}]}',
        b'{"outputs":["%s"]}',
        b'{"n":1,"output":{"type":"audio","url":"%s"},"m":"x"}',
        b'{"audio":"%s"}',
        b'{"audio_file":{"url":"%s"},"cover":"data:image/png;base64,AAAA"}',
        b'{"cover":"data:image/png;base64,AAAA","data":{"url":"%s"}}',
        b'{"result":{"outputs":[[{"url":"%s"}]]}}',
    ],
)
@pytest.mark.parametrize("spelled", [DATA_URI, DATA_URI.replace(b"/", b"\\/", 1), b"DATA:Audio" + DATA_URI[10:]])
@pytest.mark.parametrize("size", [1, 7, 65_536])
def test_a_song_inside_a_data_uri_is_handed_out_from_any_place(body: bytes, spelled: bytes, size: int) -> None:
    body %= spelled + b"A" * 2000
    audio, scanned = scan(body, [size] * (len(body) // size))
    assert audio == spelled + b"A" * 2000
    assert scanned.text_length == len(audio)
    assert scanned.flaw is None


def test_the_songs_own_place_comes_before_a_data_uri_behind_it() -> None:
    audio, scanned = scan(b'{"data":{"audio":"494433"},"preview":"%s"}' % (DATA_URI + b"A" * 2000))
    assert (audio, scanned.text_length) == (b"494433", 6)


def test_of_two_data_uris_the_first_is_the_song() -> None:
    first, second = DATA_URI + b"A" * 2000, DATA_URI + b"B" * 2000
    audio, _ = scan(b'{"outputs":[{"url":"%s"},{"url":"%s"}]}' % (first, second))
    assert audio == first
