"""Compressed bodies in pieces of any size: read whole, in bounded memory, and nothing lost where one is cut."""

import gzip
import zlib
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fermata.adapters.http import bodies as http_bodies
from fermata.adapters.http.bodies import PIECE_BYTES, BodyOutOfBoundsError, decoded, peek, reads_as_text

SONG = b"ID3" + bytes(range(256)) * 300
MOST = 10_000_000


def in_pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


def cut_after(body: bytes) -> Iterator[bytes]:
    yield body
    raise httpx.ReadError("cut")


@pytest.mark.parametrize("size", [1, 2, 3, 17, 4096, 1_000_000])
@pytest.mark.parametrize(
    ("packed", "encoding"),
    [
        (SONG, "br"),
        (gzip.compress(SONG), ""),
        (gzip.compress(SONG[:100]) + gzip.compress(SONG[100:]), "gzip"),
        (gzip.compress(SONG) + bytes(7), "gzip"),
        (gzip.compress(SONG) + b"\x1f", "gzip"),
        (zlib.compress(SONG), "deflate"),
        (zlib.compress(SONG, wbits=-15), "deflate"),
    ],
)
def test_a_body_is_read_whole_however_it_arrives(packed: bytes, encoding: str, size: int) -> None:
    assert b"".join(decoded(in_pieces(packed, size), encoding, MOST)) == SONG


@given(st.binary(max_size=300), st.integers(1, 50), st.sampled_from(["", "gzip", "deflate", "br"]))
def test_a_compressed_body_is_unpacked_and_any_other_is_unchanged(body: bytes, size: int, encoding: str) -> None:
    # What is compressed once more is unpacked once more.
    assume(not body.startswith(b"\x1f\x8b\x08"))
    assert b"".join(decoded(in_pieces(gzip.compress(body), size), encoding, MOST)) == body
    if encoding != "deflate":
        assert b"".join(decoded(in_pieces(body, size), encoding, MOST)) == body


def test_no_piece_is_long_however_much_a_body_expands() -> None:
    lengths = [len(piece) for piece in decoded(iter([gzip.compress(bytes(5_000_000))]), "gzip", MOST)]
    assert sum(lengths) == 5_000_000
    assert max(lengths) <= PIECE_BYTES


EMPTY_MEMBER = gzip.compress(b"")
EMPTY_BLOCK = b"\0\0\0\xff\xff"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        pytest.param(bytes(10_001), "", id="plain"),
        pytest.param(gzip.compress(bytes(10_001)), "gzip", id="gzip"),
        pytest.param(zlib.compress(bytes(10_001)), "deflate", id="deflate"),
        pytest.param(zlib.compress(bytes(10_001), wbits=-15), "deflate", id="bare_deflate"),
        pytest.param(gzip.compress(gzip.compress(bytes(10_001))), "gzip, gzip", id="gzip_in_gzip"),
        pytest.param(zlib.compress(gzip.compress(bytes(10_001))), "gzip, deflate", id="gzip_in_deflate"),
        pytest.param(gzip.compress(gzip.compress(gzip.compress(bytes(40_000_000)))), "gzip", id="three_layers"),
        pytest.param(gzip.compress(EMPTY_MEMBER * 501), "gzip", id="members_of_nothing_in_gzip"),
        pytest.param(gzip.compress(EMPTY_MEMBER[:10] + EMPTY_BLOCK * 2000), "gzip", id="blocks_of_nothing_in_gzip"),
        pytest.param(gzip.compress(b"\x1f\x8b\x08\x08" + bytes(6) + b"a" * 9_991), "gzip", id="a_name_without_end"),
    ],
)
@pytest.mark.parametrize("size", [100, 1_000_000])
def test_a_body_is_bounded_on_both_sides_of_each_decoder(body: bytes, encoding: str, size: int) -> None:
    received: list[bytes] = []
    with pytest.raises(BodyOutOfBoundsError, match="longer than 10000 bytes"):
        received.extend(decoded(in_pieces(body, size), encoding, 10_000))
    assert len(b"".join(received)) <= 10_000


@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
def test_a_body_may_be_as_long_as_the_bound(encoding: str) -> None:
    for body in (SONG, gzip.compress(SONG), gzip.compress(gzip.compress(SONG))):
        assert b"".join(decoded(iter([body]), encoding, len(SONG))) == SONG


def test_a_third_layer_is_handed_over_as_it_is() -> None:
    packed = gzip.compress(SONG)
    assert b"".join(decoded(iter([gzip.compress(gzip.compress(packed))]), "gzip", MOST)) == packed


def test_members_are_counted_because_each_of_them_takes_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_bodies, "_MOST_MEMBERS", 100)
    assert b"".join(decoded(iter([EMPTY_MEMBER * 100]), "gzip", MOST)) == b""
    with pytest.raises(BodyOutOfBoundsError, match="more than 100 parts"):
        list(decoded(iter([EMPTY_MEMBER * 101]), "gzip", MOST))


def test_a_body_that_cannot_be_unpacked_in_this_memory_is_out_of_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    class WithoutMemory:
        def decompress(self, *_: object) -> bytes:
            raise MemoryError

    monkeypatch.setattr(zlib, "decompressobj", lambda _: WithoutMemory())
    with pytest.raises(BodyOutOfBoundsError, match="memory"):
        list(decoded(iter([gzip.compress(SONG)]), "gzip", MOST))


@pytest.mark.parametrize("kept", [5, 50, 5000])
@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_failure_is_raised_after_all_that_came_before_it(kept: int, encoding: str) -> None:
    received: list[bytes] = []
    with pytest.raises(httpx.ReadError):
        received.extend(decoded(cut_after(SONG[:kept]), encoding, MOST))
    assert b"".join(received) == SONG[:kept]


def test_a_compressed_body_that_is_cut_gives_what_can_be_read_of_it() -> None:
    received: list[bytes] = []
    with pytest.raises(httpx.DecodingError):
        received.extend(decoded(iter([gzip.compress(SONG, 0)[:40_000]]), "gzip", MOST))
    assert SONG.startswith(b"".join(received))
    assert len(b"".join(received)) > 30_000


def test_a_peek_consumes_nothing() -> None:
    head, rest = peek(in_pieces(SONG, 10), 25)
    assert (len(head), head + b"".join(rest)) == (30, SONG)
    head, rest = peek(in_pieces(SONG[:20], 10), 25)
    assert (head, list(rest)) == (SONG[:20], [])


@pytest.mark.parametrize("text", [b"<html>", b" {", b"[\xff\x00", "早".encode()[:2], b"not yet\r\n", b"\xef\xbb\xbf<a"])
def test_markup_json_and_plain_words_read_as_text(text: bytes) -> None:
    assert reads_as_text(text)


@pytest.mark.parametrize("head", [b"ID3\x04\x00", b"RIFF\x00\x00", b"\xff\xfb\x90", b"\x00\x00\x00\x20ftypM4A "])
def test_audio_does_not_read_as_text(head: bytes) -> None:
    assert not reads_as_text(head)
