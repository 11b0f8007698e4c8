"""The decoder gives the song's bytes back from hex or base64, or says what is wrong with the text and where."""

import base64
import json
import tracemalloc
from collections.abc import Callable, Iterable
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fermata.domain.audio import text_decoder
from fermata.domain.audio.container import LONGEST_LEAD_BYTES, MAX_AUDIO_BYTES
from fermata.domain.audio.text_decoder import HEAD_CHARACTERS, AudioTextDecoder, AudioTextHead
from fermata.errors import AudioTooComplexError, BadAudioError
from tests.support.audio_files import kept, mp3

SONG: Final = b"ID3\x04" + bytes(range(256)) * 2
LONG: Final = b"\xff\xfb\x90\x64" + bytes(range(256)) * 1024
"""Longer than what is held back to find the coding."""

Spell = Callable[[bytes], bytes]


def decode(*chunks: bytes) -> bytes:
    decoder = AudioTextDecoder()
    decoded = b"".join(decoder.feed(chunk) for chunk in chunks)
    return decoded + decoder.close()


def begins_as_audio(*chunks: bytes) -> bool:
    head = AudioTextHead()
    for chunk in chunks:
        head.feed(chunk)
    return head.begins_as_audio()


def cut(text: bytes, sizes: Iterable[int]) -> list[bytes]:
    chunks = []
    for size in sizes:
        chunks.append(text[:size])
        text = text[size:]
    return [*chunks, text]


def hex_of(song: bytes) -> bytes:
    return song.hex().encode()


def in_lines(text: bytes, length: int, end: bytes) -> bytes:
    return end.join(text[at : at + length] for at in range(0, len(text), length)) + end


def escaped(text: bytes) -> bytes:
    return b"".join(b"\\u%04x" % each for each in text)


SPELLINGS: Final[dict[str, Spell]] = {
    "hex": hex_of,
    "hex_upper_case": lambda song: hex_of(song).upper(),
    "hex_0x": lambda song: b"0x" + hex_of(song),
    "hex_0X_upper_case": lambda song: b"0X" + hex_of(song).upper(),
    "hex_blanks": lambda song: song.hex(" ").encode(),
    "hex_white_space_before_0x": lambda song: b" \\n0x" + hex_of(song) + b" \\t",
    "hex_lines": lambda song: in_lines(hex_of(song), 33, b"\\r\\n"),
    "hex_raw_lines": lambda song: in_lines(hex_of(song), 76, b"\n"),
    "hex_escaped": lambda song: escaped(hex_of(song)),
    "hex_in_a_data_uri": lambda song: b"data:audio/mpeg," + hex_of(song),
    "base64": base64.b64encode,
    "base64_url_safe": base64.urlsafe_b64encode,
    "base64_without_padding": lambda song: base64.b64encode(song).rstrip(b"="),
    "base64_url_safe_without_padding": lambda song: base64.urlsafe_b64encode(song).rstrip(b"="),
    "base64_escaped_slashes": lambda song: base64.b64encode(song).replace(b"/", b"\\/"),
    "base64_escaped_padding": lambda song: base64.b64encode(song).replace(b"=", b"\\u003d").replace(b"+", b"\\u002B"),
    "base64_lines": lambda song: in_lines(base64.b64encode(song), 76, b"\\r\\n"),
    "base64_raw_lines": base64.encodebytes,
    "data_uri": lambda song: b"data:audio/mpeg;base64," + base64.b64encode(song),
    "data_uri_upper_case": lambda song: b"DATA:Audio/MPEG;Base64," + base64.b64encode(song),
    "data_uri_parameters": lambda song: b'data:audio/mpeg;name=\\"a b.mp3\\";base64, ' + base64.b64encode(song),
    "data_uri_without_a_type": lambda song: b"data:;base64," + base64.urlsafe_b64encode(song),
    "data_uri_escaped_slashes": lambda song: (
        b"data:audio\\/mpeg;base64," + base64.b64encode(song).replace(b"/", b"\\/")
    ),
}
FILES: Final = {
    "id3": SONG,
    "long": LONG,
    "mp3": mp3(),
    "flac": kept("tone.flac"),
    "m4a": kept("tone_aac.m4a"),
    "ogg": kept("tone_opus.ogg"),
    "aac": kept("tone_adts.aac"),
    "wav": b"RIFF\x24\x08\x00\x00WAVEfmt " + bytes(1000),
    "zeros_before": bytes(LONGEST_LEAD_BYTES) + SONG,
    "one_byte_more": SONG + b"\xff",
    "two_bytes_more": SONG + b"\xfb\xef",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("file", FILES)
def test_a_song_of_any_container_is_read_from_any_spelling(spelling: str, file: str) -> None:
    song, text = FILES[file], SPELLINGS[spelling](FILES[file])
    chunks = cut(text, [65_536] * (len(text) // 65_536))
    assert decode(*chunks) == song
    assert begins_as_audio(*chunks)


@given(st.binary(max_size=120), st.sampled_from([*SPELLINGS.values()]), st.lists(st.integers(0, 9), max_size=120))
@settings(max_examples=200, deadline=None)
def test_any_chunking_gives_the_bytes_back(rest: bytes, spell: Spell, sizes: list[int]) -> None:
    song = b"ID3" + rest
    assert decode(*cut(spell(song), sizes)) == song


@given(st.binary(min_size=1, max_size=100), st.sampled_from([*SPELLINGS.values()]), st.integers(1, 70_000))
@settings(max_examples=20, deadline=None)
def test_a_long_song_may_be_cut_anywhere(rest: bytes, spell: Spell, size: int) -> None:
    song = b"ID3" + rest * (100_000 // len(rest))
    text = spell(song)
    assert decode(*cut(text, [size] * (len(text) // size))) == song


def test_both_cases_may_be_mixed() -> None:
    assert decode(b"4944", b"33aA", b"fF", b"0", b"9") == b"ID3\xaa\xff\x09"


def test_what_json_escapes_is_read_as_json_reads_it() -> None:
    spelled = json.dumps("data:audio/mpeg;base64,\n" + base64.b64encode(SONG).decode()).encode()[1:-1]
    assert decode(spelled) == SONG


@pytest.mark.parametrize(
    ("behind", "byte", "offset"),
    [
        (b"g3", "67", 0),
        (b"00zz", "7a", 2),
        (b"0x11", "78", 1),
        (b"\\b11", "5c", 0),
        (b"11\\\\22", "5c", 2),
        (b"\\u0041\\u00e9", "5c", 1),
        (b"\\u00zz0000", "5c", 0),
        (b"\xff1", "ff", 0),
        (b"1=", "3d", 1),
        (b"11 22-", "2d", 4),
    ],
)
@pytest.mark.parametrize("chunk_size", [1, 3, 100_000])
@pytest.mark.parametrize("begun", [b"494433", hex_of(LONG)], ids=["short", "long"])
def test_a_character_that_is_no_hex_digit_is_named_with_its_position(
    begun: bytes, behind: bytes, byte: str, offset: int, chunk_size: int
) -> None:
    sizes = [len(begun), *[chunk_size] * len(behind)]
    with pytest.raises(BadAudioError, match=f"hex digits, found the byte 0x{byte} at position {len(begun) + offset};"):
        decode(*cut(begun + behind, sizes))


@pytest.mark.parametrize(
    ("behind", "found"),
    [
        (b"AA*A", "byte 0x2a at position 6"),
        (b"AAAA\\b", "byte 0x5c at position 8"),
        (b"AA==AAAA", "more behind its padding"),
        (b"AA==\\n=A", "more behind its padding"),
        (b"A", "a length of 5"),
        (b"AAAAA=", "a length of 9"),
    ],
)
@pytest.mark.parametrize("chunk_size", [1, 3, 100])
def test_base64_that_was_changed_or_cut_on_its_way_is_refused(behind: bytes, found: str, chunk_size: int) -> None:
    with pytest.raises(BadAudioError, match=found):
        decode(*cut(b"SUQz" + behind, [chunk_size] * 12))


@pytest.mark.parametrize("text", [b"4944330", b"0x4944330", b"4944 33 0", hex_of(LONG) + b"f"])
def test_hex_of_an_odd_length_is_refused_at_the_end(text: bytes) -> None:
    length = len(text.removeprefix(b"0x").replace(b" ", b""))
    with pytest.raises(BadAudioError, match=f"odd length of {length}"):
        decode(text)


@pytest.mark.parametrize("half", [b"\\", b"\\u", b"\\u004"])
def test_a_text_that_ends_inside_an_escape_is_refused(half: bytes) -> None:
    with pytest.raises(BadAudioError, match="half an escape"):
        decode(hex_of(SONG) + half)


@pytest.mark.parametrize("chunks", [(), (b"",), (b" \\n", b"\\r")])
def test_an_empty_text_is_refused_at_the_end(chunks: tuple[bytes, ...]) -> None:
    with pytest.raises(BadAudioError, match="empty"):
        decode(*chunks)


NO_SONGS: Final = {
    "hex_of_a_text": hex_of(b"this is no song" * 10_000),
    "base64_of_a_text": base64.b64encode(b"this is no song" * 10_000),
    "hex_of_a_picture": hex_of(b"\x89PNG\r\n\x1a\n" + bytes(100)),
    "base64_of_a_picture": base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(100)),
    "picture_in_a_data_uri": b"data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(100)),
    "words": b"the song is at audio_url",
    "a_relative_link": b"/files/song.mp3",
    "only_zeros": b"0" * 300_000,
    "prefix_alone": b"0x",
    "data_uri_without_data": b"data:audio/mpeg;base64,",
    "hex_in_hex": hex_of(hex_of(SONG)),
}


@pytest.mark.parametrize("name", NO_SONGS)
def test_a_text_that_spells_no_known_audio_is_refused(name: str) -> None:
    assert not begins_as_audio(NO_SONGS[name])
    with pytest.raises(BadAudioError, match="no known audio"):
        decode(NO_SONGS[name])


def test_text_that_is_valid_hex_and_base64_is_read_as_hex() -> None:
    # As base64 these characters spell bytes too, only no song.
    assert decode(b"FFFB9064" * 3) == bytes.fromhex("FFFB9064" * 3)


def test_a_refusal_does_not_show_the_text() -> None:
    with pytest.raises(BadAudioError) as refusal:
        decode(b"4944330011223344-55667788")
    assert "1122" not in str(refusal.value)


@pytest.mark.parametrize("spell", [hex_of, base64.b64encode], ids=["hex", "base64"])
def test_memory_does_not_grow_with_the_text(spell: Spell) -> None:
    first, chunk = spell(b"ID3" + bytes(51_000)), spell(bytes(range(255)) * 128)
    decoder = AudioTextDecoder()
    tracemalloc.start()
    try:
        decoded = len(decoder.feed(first)) + sum(len(decoder.feed(chunk)) for _ in range(300))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert decoded + len(decoder.close()) == 51_003 + 300 * 255 * 128
    assert peak < 8 * HEAD_CHARACTERS


def test_escapes_are_counted_because_each_of_them_takes_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_decoder, "MOST_ESCAPES", 100)
    decoder = AudioTextDecoder()
    decoder.feed(SONG.hex().encode() + b"\\n" * 60)
    with pytest.raises(AudioTooComplexError, match="more than 100 escapes"):
        decoder.feed(b"\\u0030" * 41)


def test_an_answer_of_the_greatest_length_in_escaped_lines_of_base64_stays_within_the_escapes() -> None:
    slashes = 76 / 64
    line_bytes, escapes = 76 + slashes + len("\\r\\n"), slashes + 2
    assert MAX_AUDIO_BYTES / line_bytes * escapes <= text_decoder.MOST_ESCAPES
