"""The decoder gives the song's bytes back, or says what is wrong with the text and where."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fermata.domain.hex_decoder import HexDecoder
from fermata.errors import BadAudioError


def decode(*chunks: bytes) -> bytes:
    decoder = HexDecoder()
    decoded = b"".join(decoder.feed(chunk) for chunk in chunks)
    decoder.close()
    return decoded


@given(st.binary(min_size=1, max_size=200), st.booleans(), st.lists(st.integers(0, 7), max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_chunking_and_either_case_gives_the_bytes_back(song: bytes, is_upper: bool, sizes: list[int]) -> None:
    text = (song.hex().upper() if is_upper else song.hex()).encode()
    chunks = []
    for size in sizes:
        chunks.append(text[:size])
        text = text[size:]
    assert decode(*chunks, text) == song


def test_both_cases_may_be_mixed() -> None:
    assert decode(b"aA", b"fF", b"0", b"9") == b"\xaa\xff\x09"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"00 11", "byte 0x20 at position 2"),
        (b"00\n11", "byte 0x0a at position 2"),
        (b"0011\n", "byte 0x0a at position 4"),
        (b"\t0011", "byte 0x09 at position 0"),
        (b"00g1", "byte 0x67 at position 2"),
        (b"0x11", "byte 0x78 at position 1"),
        (b"00\\u0031", "byte 0x5c at position 2"),
        (b"00\xff1", "byte 0xff at position 2"),
        (b"00z", "byte 0x7a at position 2"),
        (b"bm90IGhleA==", "byte 0x6d at position 1"),
    ],
)
@pytest.mark.parametrize("chunk_size", [1, 2, 3, 100])
def test_a_character_that_is_no_hex_digit_is_named_with_its_position(text: bytes, found: str, chunk_size: int) -> None:
    with pytest.raises(BadAudioError, match=found):
        decode(*(text[at : at + chunk_size] for at in range(0, len(text), chunk_size)))


@pytest.mark.parametrize("chunks", [(b"000",), (b"0", b"00"), (b"00", b"1"), (b"1", b"")])
def test_an_odd_length_is_refused_at_the_end(chunks: tuple[bytes, ...]) -> None:
    with pytest.raises(BadAudioError, match=f"odd length of {len(b''.join(chunks))}"):
        decode(*chunks)


@pytest.mark.parametrize("chunks", [(), (b"",)])
def test_an_empty_text_is_refused_at_the_end(chunks: tuple[bytes, ...]) -> None:
    with pytest.raises(BadAudioError, match="empty"):
        decode(*chunks)


def test_a_refusal_does_not_show_the_text() -> None:
    with pytest.raises(BadAudioError) as refusal:
        decode(b"0011223344 55667788")
    assert "1122" not in str(refusal.value)
