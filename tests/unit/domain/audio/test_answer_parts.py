"""An answer that was taken apart is rebuilt byte for byte, and its song is what an obvious decoder finds."""

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata.domain.audio.answer_parts import MOST_AROUND, AnswerParts
from fermata.domain.audio.answer_scanner import AnswerScanner
from fermata.domain.audio.marks import Edit, Span, parts_of_source, source_bytes, stored_bytes, without_edits

SONG = b"ID3" + bytes(range(256)) * 3
HEX = SONG.hex().encode()


def cut(body: bytes, at: Sequence[int]) -> Iterator[bytes]:
    """The body in chunks that end at these offsets."""
    edges = [0, *sorted(each % (len(body) + 1) for each in at), len(body)]
    return (body[begin:end] for begin, end in pairwise(edges))


def apart(chunks: Iterator[bytes]) -> tuple[AnswerParts, bytes, bool]:
    """The parts, the song so far, and whether all chunks could be taken apart. Whatever happens, what was taken apart
    is rebuilt byte for byte.
    """
    parts, scanner, song, taken = AnswerParts(), AnswerScanner(), b"", b""
    for chunk in chunks:
        parted = parts.part(chunk, scanner.feed(chunk))
        if parted is None:
            assert b"".join(parts.rebuilt([song])) == taken
            return parts, song, False
        parts.add(parted)
        song += parted.song
        taken += chunk
        assert b"".join(parts.rebuilt([song])) == taken
        assert parts.song_bytes == len(song)
    return parts, song, True


def answers() -> st.SearchStrategy[bytes]:
    """JSON with a song at any of its places or elsewhere, decoys, any order, nesting, escapes and white space."""
    texts = st.one_of(
        st.just(HEX.decode()),
        st.just(HEX.decode().upper()),
        st.just("0x" + HEX.decode()),
        st.just(HEX.decode()[:-1]),
        st.just(HEX.decode().replace("a", "A", 3)),
        st.just(" " + HEX.decode()),
        st.sampled_from(["", "https://cdn.test/a.mp3", "no song", "49", "4", "data:audio/mpeg;base64,SUQz", "zz"]),
        st.binary(max_size=20).map(bytes.hex),
    )
    inner = st.recursive(
        st.one_of(texts, st.none(), st.integers(-9, 9), st.text(max_size=8)),
        lambda each: st.one_of(
            st.lists(each, max_size=3),
            st.dictionaries(st.sampled_from(["audio", "data", "x", 'a"b', "status"]), each, max_size=3),
        ),
        max_leaves=8,
    )
    data = st.dictionaries(st.sampled_from(["audio", "status", "x"]), inner, max_size=3)
    with_song = st.tuples(data, texts).map(lambda both: {**both[0], "audio": both[1]})
    documents = st.one_of(
        inner,
        st.tuples(st.dictionaries(st.text(max_size=4), inner, max_size=2), st.one_of(data, with_song)).map(
            lambda both: {**both[0], "data": both[1]}
        ),
        with_song.map(lambda each: {"result": {"data": each}}),
        with_song.map(lambda each: {"data": [each, each]}),
    )
    spelled = st.sampled_from([(",", ":"), (" ,\n", " : ")])
    written = st.tuples(documents, spelled, st.booleans()).map(
        lambda each: json.dumps(each[0], separators=each[1]).replace("4", "\\u0034" if each[2] else "4").encode()
    )
    return st.one_of(written, written.map(lambda each: b" \r\n" + each + b"\n"))


@given(body=answers(), at=st.lists(st.integers(0, 5000), max_size=12), end=st.integers(0, 5000))
def test_any_answer_in_any_chunks_cut_anywhere_is_rebuilt_and_its_song_is_the_obvious_one(
    body: bytes, at: list[int], end: int
) -> None:
    for whole in (body, body[: end % (len(body) + 1)]):
        parts, song, is_apart = apart(cut(whole, at))
        around = parts.close() if is_apart else None
        if around is None:
            continue
        assert b"".join(around.rebuilt([song[:7], song[7:]])) == whole
        if whole is body:
            found = json.loads(body)
            text = obvious_text(found)
            assert song == bytes.fromhex(text.lower().removeprefix("0x"))


def obvious_text(document: object) -> str:
    """The first audio text of a document that is no link, found by walking over it in its own order."""
    found = [each for each in texts_of(document, ()) if each]
    return found[0]


def texts_of(value: object, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from texts_of(each, (*path, name))
    elif isinstance(value, list) and path in (("data",), ("result", "data")):
        for each in value:
            yield from texts_of(each, path)
    elif isinstance(value, str):
        in_place = path in (("data", "audio"), ("result", "data", "audio"))
        if in_place and not value.strip().lower().startswith("http"):
            yield value.strip()


@pytest.mark.parametrize("text", [HEX, HEX.upper(), b"0x" + HEX, b"0X" + HEX.upper()])
def test_a_song_in_hex_is_taken_apart_at_every_offset(text: bytes) -> None:
    before, after = b'{"data":{"x":"49443","audio":"', b'","status":2},"n":[1]}'
    whole = before + text + after
    for at in range(len(whole) + 1):
        parts, song, is_apart = apart(iter((whole[:at], whole[at:])))
        around = parts.close()
        assert is_apart or whole[at - 1 : at + 1].lower() == b"0x"
        assert not is_apart or (song == SONG and around is not None)
        assert not is_apart or b"".join(around.rebuilt([SONG]) if around else ()) == whole


@pytest.mark.parametrize(
    "text",
    [
        HEX.replace(b"a", b"A", 1),
        HEX[:40] + b"\\n" + HEX[40:],
        HEX[:40] + b" " + HEX[40:],
        HEX[:-1],
        HEX + b"g",
        b"data:audio/mpeg;base64,SUQzAAAA",
        "é".encode() + HEX,
    ],
)
@pytest.mark.parametrize("chunk_bytes", [1, 7, 1000, 100_000])
def test_what_hex_of_one_case_cannot_say_is_not_taken_apart(text: bytes, chunk_bytes: int) -> None:
    whole = b'{"data":{"audio":"' + text + b'"}}'
    parts, _, is_apart = apart(iter([whole[at : at + chunk_bytes] for at in range(0, len(whole), chunk_bytes)]))
    assert not is_apart or parts.close() is None


@pytest.mark.parametrize("digits", [7, len(HEX) - 1])
def test_an_answer_that_ends_within_a_byte_of_its_song_is_no_whole_song(digits: int) -> None:
    parts, _, is_apart = apart(iter((b'{"data":{"audio":"' + HEX[:digits],)))
    assert is_apart
    assert parts.close() is None


def test_an_answer_with_more_around_its_song_than_may_be_held_is_not_taken_apart() -> None:
    for around in (MOST_AROUND, MOST_AROUND + 1):
        before = b'{"data":{"audio":"'
        whole = before + HEX + b'"}}' + b" " * (around - len(before) - 3)
        assert apart(iter((whole,)))[2] is (around == MOST_AROUND)
        assert apart(iter((b" " * around,)))[2] is (around == MOST_AROUND)


@given(
    source=st.binary(min_size=1, max_size=300),
    cuts=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 9), st.binary(max_size=9)), max_size=4),
    at=st.lists(st.integers(0, 400), max_size=9),
)
def test_edits_are_undone_in_one_pass_over_any_pieces(
    source: bytes, cuts: list[tuple[int, int, bytes]], at: list[int]
) -> None:
    stored, edits, done = b"", [], 0
    for where, removed, put in sorted(cuts):
        begin = min(where, len(source))
        if begin < done:
            continue
        stored += source[done:begin]
        was = source[begin : begin + removed]
        edits.append(Edit(at=len(stored), length=len(put), was=was.hex()))
        stored += put
        done = begin + len(was)
    stored += source[done:]
    obvious = b"".join(
        stored[each.at : each.at + each.length] if isinstance(each, Span) else each
        for each in parts_of_source(edits, len(stored))
    )
    assert obvious == source
    assert b"".join(without_edits(cut(stored, at), edits)) == source
    assert stored_bytes(edits, source_bytes(edits, len(stored))) == len(stored)
