"""A WAV is as long as its samples, and a size that cannot be known beforehand is ignored."""

import struct
from collections.abc import Callable

import pytest

from fermata.errors import BadAudioError, CutAudioError
from fermata.ports.audio import AudioFacts
from tests.support.audio_files import Measure, decoded_ms, fmt, mp3, riff, samples, wav

PLACEHOLDERS = [0, 0x7FFFF000, 2_000_000_000, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF - 36, 300 * 1024 * 1024]
SECOND = samples(1, 44100, 2)
EXTENSIBLE = struct.pack("<HHI", 22, 16, 3) + b"\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"


def with_sizes(song: bytes, riff_size: int | None, data_size: int | None) -> bytes:
    changed = bytearray(song)
    for at, size in ((4, riff_size), (40, data_size)):
        if size is not None:
            changed[at : at + 4] = struct.pack("<I", size)
    return bytes(changed)


@pytest.mark.parametrize(("rate", "channels"), [(44100, 2), (16000, 1)])
def test_a_wav_is_as_long_as_a_decoder_plays_it(measure: Measure, rate: int, channels: int) -> None:
    song = wav(rate, channels)
    facts = measure(song)
    assert facts == AudioFacts("audio/wav", "wav", len(song), 1500, rate, channels, rate * channels * 16)
    assert decoded_ms(song) == pytest.approx(1500, abs=1)


@pytest.mark.parametrize("riff_size", [None, *PLACEHOLDERS])
@pytest.mark.parametrize("data_size", [None, *PLACEHOLDERS])
def test_sizes_that_cannot_be_known_are_ignored(measure: Measure, riff_size: int | None, data_size: int | None) -> None:
    assert measure(with_sizes(wav(), riff_size, data_size)).duration_ms == 1500


@pytest.mark.parametrize("riff_size", [1, 36, 100_000, 600_000])
def test_a_wrong_size_of_the_file_is_ignored_where_the_samples_are_counted(measure: Measure, riff_size: int) -> None:
    assert measure(with_sizes(wav(), riff_size, None)).duration_ms == 1500


def test_where_only_the_whole_size_is_known_what_stands_before_the_samples_is_no_sound(measure: Measure) -> None:
    song = riff(fmt(), (b"LIST", bytes(100_000)), (b"data", SECOND))
    at = song.index(b"data") + 4
    assert measure(song[:at] + bytes(4) + song[at + 4 :]).duration_ms == 1000


@pytest.mark.parametrize(
    "break_off",
    [
        lambda song: song[: len(song) // 2],
        lambda song: song[:-3000],
        lambda song: with_sizes(song, None, 0)[: len(song) // 2],
        lambda song: with_sizes(song, None, 0xFFFFFFFF)[:-3000],
        lambda song: with_sizes(song, None, len(song) * 2),
        lambda song: song[:1100],
    ],
    ids=["half", "a_hundredth", "half_by_the_whole_size", "a_hundredth_by_the_whole_size", "twice", "start"],
)
def test_a_wav_with_samples_missing_is_cut(measure: Measure, break_off: Callable[[bytes], bytes]) -> None:
    with pytest.raises(CutAudioError, match="the file is cut"):
        measure(break_off(wav()))


@pytest.mark.parametrize("missing", [1, 4, 2000])
def test_up_to_a_hundredth_may_be_missing(measure: Measure, missing: int) -> None:
    assert measure(wav()[:-missing]).duration_ms == pytest.approx(1500, abs=12)


def test_a_wav_that_ends_before_its_samples_is_cut(measure: Measure) -> None:
    with pytest.raises(CutAudioError, match="before its samples"):
        measure(riff(fmt(), (b"LIST", bytes(5000)))[:4000])


@pytest.mark.parametrize(
    "song",
    [
        riff((b"JUNK", bytes(27)), fmt(), (b"LIST", b"INFO" + bytes(101)), (b"data", SECOND)),
        riff(fmt(), (b"data", SECOND), (b"LIST", b"INFO" + bytes(30_000)), (b"id3 ", bytes(7))),
        riff(fmt(coding=0xFFFE, more=EXTENSIBLE), (b"data", SECOND)),
        riff(fmt(more=b"\0\0"), (b"data", SECOND)),
        riff(fmt(coding=3, block=8, bits=32), (b"data", SECOND * 2)),
        riff(fmt(block=2, bits=8), (b"data", SECOND[: len(SECOND) // 2])),
        riff(fmt(block=6, bits=24), (b"data", SECOND + SECOND[: len(SECOND) // 2])),
        riff(fmt(coding=7, block=2, bits=8), (b"data", SECOND[: len(SECOND) // 2])),
        b"\r\n" + riff(fmt(), (b"data", SECOND)),
        b"ID3\x04\x00\x00\x00\x00\x00\x00" + riff(fmt(), (b"data", SECOND)),
    ],
    ids=["odd_parts", "list_behind", "extensible", "18", "float", "8_bit", "24_bit", "u_law", "line_end", "id3"],
)
def test_every_shape_of_wav_is_measured(measure: Measure, song: bytes) -> None:
    facts = measure(song)
    assert (facts.duration_ms, facts.sample_rate_hz, facts.channels) == (1000, 44100, 2)
    if song.startswith(b"RIFF"):
        assert decoded_ms(song) == pytest.approx(1000, abs=1)


def test_an_odd_part_without_its_padding_is_passed(measure: Measure) -> None:
    song = riff(fmt(), (b"note", b"odd"), (b"data", SECOND)).replace(b"odd\0", b"odd")
    assert measure(song).duration_ms == 1000


@pytest.mark.parametrize("wide", [len(SECOND), 0, 1 << 40])
def test_a_wide_file_says_its_size_in_64_bits(measure: Measure, wide: int) -> None:
    ds64 = struct.pack("<QQQI", 1 << 33, wide, wide // 4, 0)
    song = riff((b"ds64", ds64), fmt(), (b"data", SECOND), name=b"RF64", size=0xFFFFFFFF)
    at = song.index(b"data") + 4
    assert measure(song[:at] + b"\xff" * 4 + song[at + 4 :]).duration_ms == 1000


def test_a_wide_file_can_be_cut(measure: Measure) -> None:
    ds64 = struct.pack("<QQQI", 1 << 33, 2 * len(SECOND), 0, 0)
    song = riff((b"ds64", ds64), fmt(), (b"data", SECOND), name=b"RF64", size=0xFFFFFFFF)
    at = song.index(b"data") + 4
    with pytest.raises(CutAudioError):
        measure(song[:at] + b"\xff" * 4 + song[at + 4 :])


def test_a_wrong_rate_of_bytes_in_the_header_is_ignored(measure: Measure) -> None:
    song = bytearray(wav())
    song[28:34] = bytes(6)
    assert measure(bytes(song)).duration_ms == 1500


def test_mp3_in_a_wav_is_counted_by_its_frames(measure: Measure) -> None:
    song = riff(fmt(coding=0x55, block=0, bits=0), (b"data", mp3()))
    facts = measure(song)
    assert (facts.content_type, facts.duration_ms) == ("audio/wav", measure(mp3()).duration_ms)


def test_compressed_samples_are_counted_by_their_blocks(measure: Measure) -> None:
    # IMA ADPCM: blocks of 1,024 bytes with 1,017 samples for each of two channels.
    song = riff(fmt(coding=0x11, block=1024, bits=4, more=struct.pack("<HH", 2, 1017)), (b"data", bytes(1024 * 43)))
    assert measure(song).duration_ms == round(43 * 1017 / 44.1)


@pytest.mark.parametrize(
    "song",
    [
        riff((b"data", SECOND), fmt()),
        riff(fmt(channels=0), (b"data", SECOND)),
        riff(fmt(rate=0), (b"data", SECOND)),
        riff((b"fmt ", bytes(4)), (b"data", SECOND)),
        riff(fmt(coding=0x11, more=struct.pack("<HH", 2, 0)), (b"data", SECOND)),
    ],
    ids=["samples_first", "no_channels", "no_rate", "short", "empty_blocks"],
)
def test_a_wav_that_makes_no_sense_is_damaged(measure: Measure, song: bytes) -> None:
    with pytest.raises(BadAudioError, match="is damaged") as refusal:
        measure(song)
    assert not isinstance(refusal.value, CutAudioError)
