"""An MP3 is as long as its frames are, whatever its headers count."""

import struct
from collections.abc import Callable

import pytest

from fermata.errors import BadAudioError, CutAudioError
from tests.support.audio_files import (
    ID3V1,
    ID3V2,
    ID3V2_WITH_FOOTER,
    LONG_ID3V2,
    MP3_FRAME_MS,
    NOISE,
    Measure,
    decoded_ms,
    frames_of,
    kept,
    mp3,
    with_vbri_header,
    with_xing_header,
)

# What is counted frame by frame leaves only what decoders round.
TOLERANCE_MS = 5
SHAPES = [
    (44100, 2, 256),
    (44100, 2, 128),
    (44100, 1, 64),
    (32000, 2, 128),
    (24000, 2, 64),
    (16000, 2, 32),
    (44100, 2, None),
    (24000, 1, None),
]


@pytest.mark.parametrize(("rate", "channels", "kbps"), SHAPES)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda song: song,
        lambda song: ID3V2 + song,
        lambda song: ID3V2_WITH_FOOTER + LONG_ID3V2 + song,
        lambda song: song + ID3V1,
        lambda song: ID3V2 + song[: len(song) // 2 + 77],
        lambda song: song[: len(song) // 3],
        lambda song: b"ID3\x03\x00\x00\x00\x00\x00\x00" + bytes(700) + song,
    ],
    ids=["plain", "id3v2", "id3v2_with_footer_and_another", "id3v1", "id3v2_and_cut", "cut", "zeros_after_the_tag"],
)
def test_an_mp3_is_as_long_as_a_decoder_plays_it(
    measure: Measure, wrap: Callable[[bytes], bytes], rate: int, channels: int, kbps: int | None
) -> None:
    song = wrap(mp3(rate, channels, kbps))
    facts = measure(song)
    assert facts.duration_ms == pytest.approx(decoded_ms(song), abs=TOLERANCE_MS)
    assert (facts.content_type, facts.extension, facts.bytes) == ("audio/mpeg", "mp3", len(song))
    assert (facts.sample_rate_hz, facts.channels) == (rate, channels)
    if kbps:
        assert facts.bitrate_bps == kbps * 1000


def test_the_bit_rate_of_a_variable_song_is_its_average(measure: Measure) -> None:
    song = mp3(kbps=None)
    facts = measure(song)
    assert facts.bitrate_bps == pytest.approx(len(song) * 8000 / facts.duration_ms, rel=0.01)


@pytest.mark.parametrize("kind", [b"Info", b"Xing"])
@pytest.mark.parametrize("checksum", [0, 2])
def test_padding_named_by_the_encoder_is_not_music(measure: Measure, kind: bytes, checksum: int) -> None:
    song = with_xing_header(mp3(), frames_of(mp3()), kind=kind, checksum=checksum)
    expected = frames_of(mp3()) * MP3_FRAME_MS - (576 + 700) / 44.1
    assert measure(song).duration_ms == pytest.approx(expected, abs=2)
    if not checksum:
        assert decoded_ms(song) == pytest.approx(expected, abs=2)


def test_a_xing_header_without_a_number_of_frames_is_no_music_either(measure: Measure) -> None:
    without_padding = with_xing_header(mp3(), None, (0, 0))
    assert measure(without_padding).duration_ms == measure(mp3()).duration_ms


@pytest.mark.parametrize("frames", [0, 1, 5, 50, 120, 0x7FFFF000, 2_000_000_000, 0xFFFFFFFF, 12_000_000])
@pytest.mark.parametrize("header", [with_xing_header, with_vbri_header])
def test_a_header_that_counts_too_few_frames_or_cannot_know_them_is_ignored(
    measure: Measure, header: Callable[[bytes, int], bytes], frames: int
) -> None:
    assert measure(header(mp3(), frames)).duration_ms == pytest.approx(measure(mp3()).duration_ms, abs=60)


@pytest.mark.parametrize("header", [with_xing_header, with_vbri_header])
def test_an_mp3_that_announces_more_frames_than_it_has_is_cut(
    measure: Measure, header: Callable[[bytes, int], bytes]
) -> None:
    song = header(mp3(), frames_of(mp3()))
    with pytest.raises(CutAudioError, match="the file is cut"):
        measure(song[: len(song) // 2])


def test_up_to_a_hundredth_of_the_frames_may_be_missing(measure: Measure) -> None:
    frames = frames_of(mp3(seconds=12))
    assert measure(with_xing_header(mp3(seconds=12), frames + frames // 100)).duration_ms > 11_900
    with pytest.raises(CutAudioError):
        measure(with_xing_header(mp3(seconds=12), frames + frames // 100 + 2))


def test_a_header_that_only_counts_bytes_is_believed_too(measure: Measure) -> None:
    song = with_xing_header(mp3(), None, octets=len(mp3()) + 417)
    assert measure(song).duration_ms == pytest.approx(measure(mp3()).duration_ms, abs=60)
    with pytest.raises(CutAudioError, match="bytes of sound"):
        measure(song[: len(song) // 2])


@pytest.mark.parametrize("octets", [0, 1, 0x7FFFF000, 2_000_000_000, 0xFFFFFFFF, 300 * 1024 * 1024])
def test_a_byte_count_that_cannot_be_known_is_ignored(measure: Measure, octets: int) -> None:
    song = with_xing_header(mp3(), 0, octets=octets)
    assert measure(song).duration_ms == pytest.approx(measure(mp3()).duration_ms, abs=60)


@pytest.mark.parametrize("between", [b"", ID3V2, ID3V1, ID3V1 + ID3V2, LONG_ID3V2, bytes(2000)])
def test_joined_songs_are_as_long_as_all_of_them(measure: Measure, between: bytes) -> None:
    first, second = mp3(), mp3(seconds=5)
    song = with_xing_header(first, frames_of(first)) + between + with_xing_header(second, frames_of(second))
    expected = (frames_of(first) + frames_of(second)) * MP3_FRAME_MS
    assert measure(song).duration_ms == pytest.approx(expected, abs=60)


def test_a_tag_between_parts_may_be_longer_than_the_sound(measure: Measure) -> None:
    picture = b"ID3\x04\x00\x00\x00\x10\x00\x00" + bytes(16 * 128 * 128)
    assert len(picture) > 2 * 2 * len(mp3())
    assert measure(mp3() + picture + mp3()).duration_ms == pytest.approx(2 * measure(mp3()).duration_ms, abs=60)


def test_a_tag_between_parts_that_is_longer_than_the_file_counts_wrong(measure: Measure) -> None:
    tag = b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f"
    assert measure(mp3() + tag + mp3()).duration_ms == pytest.approx(2 * measure(mp3()).duration_ms, abs=60)


def test_a_header_in_the_middle_is_no_music(measure: Measure) -> None:
    headers = b"".join(with_xing_header(b"", 1) for _ in range(40))
    plain, mixed = mp3(seconds=6), mp3() + headers + mp3()
    assert measure(mixed).duration_ms == pytest.approx(2 * measure(mp3()).duration_ms, abs=1)
    assert measure(mixed).bitrate_bps == measure(plain).bitrate_bps


def test_of_joined_songs_the_last_one_may_not_be_cut(measure: Measure) -> None:
    second = with_xing_header(mp3(seconds=5), frames_of(mp3(seconds=5)))
    song = with_xing_header(mp3(), frames_of(mp3())) + second
    with pytest.raises(CutAudioError):
        measure(song[: -len(second) // 2])


def test_a_first_header_that_counts_all_joined_songs_is_right(measure: Measure) -> None:
    total = frames_of(mp3()) + frames_of(mp3(seconds=5))
    song = with_xing_header(mp3(), total) + with_xing_header(mp3(seconds=5), frames_of(mp3(seconds=5)))
    assert measure(song).duration_ms == pytest.approx(total * MP3_FRAME_MS, abs=60)
    with pytest.raises(CutAudioError):
        measure(with_xing_header(mp3(), total))


def test_joined_songs_of_different_rates_each_count_at_their_own(measure: Measure) -> None:
    facts = measure(mp3(44100) + mp3(32000) + mp3(24000, 1, 64))
    expected = sum(measure(each).duration_ms for each in (mp3(44100), mp3(32000), mp3(24000, 1, 64)))
    assert facts.duration_ms == pytest.approx(expected, abs=60)
    assert (facts.sample_rate_hz, facts.channels) == (44100, 2)


def test_a_header_in_a_frame_too_small_for_its_padding_is_read(measure: Measure) -> None:
    frame = b"\xff\xf3\x18\xc4".ljust(36, b"\0")
    header = (frame[:13] + b"Info" + struct.pack(">II", 5, 100)).ljust(36, b"\0")
    assert measure(header + frame * 100).duration_ms == 100 * 36
    with pytest.raises(CutAudioError):
        measure(header + frame * 90)


def test_a_file_from_another_encoder_with_a_xing_header_is_measured(measure: Measure) -> None:
    facts = measure(kept("tone_xing_header.mp3"))
    assert (facts.duration_ms, facts.sample_rate_hz, facts.channels) == (600, 16000, 1)


@pytest.mark.parametrize("foreign", [bytes(500), b"\r\n" * 40, NOISE[:3000], b"\xff" * 1000, b"\xff\xfb\x90\x64" * 200])
def test_foreign_bytes_between_frames_are_passed_over(measure: Measure, foreign: bytes) -> None:
    song = mp3(kbps=128)
    facts = measure(song[:20_000] + foreign + song[20_000:])
    assert facts.duration_ms == pytest.approx(measure(song).duration_ms, abs=100)


@pytest.mark.parametrize(
    "lead",
    [
        b"\0" * 10,
        b"\r\n\r\n",
        b"\n" + ID3V2,
        bytes(64 * 1024),
        b"ID3\x04\x00\x00\x00\x00\x00\x00" + bytes(300_000),
        b"ID3\x04\x00\x00\x00\x00\x00\x0a" + NOISE[:30_000],
        b"ID3\x03\x00\x00\x00\x7f\x7f\x7f" + NOISE[:3000],
    ],
    ids=["zeros", "line_ends", "line_end_and_tag", "64_kib", "padding", "picture", "tag_longer_than_the_file"],
)
def test_what_stands_before_the_sound_is_passed_over(measure: Measure, lead: bytes) -> None:
    song = lead + mp3()
    assert measure(song).duration_ms == pytest.approx(measure(mp3()).duration_ms, abs=30)


def test_a_file_that_ends_within_its_tag_is_cut(measure: Measure) -> None:
    with pytest.raises(CutAudioError, match="before its sound"):
        measure(b"ID3\x03\x00\x00\x00\x10\x00\x00" + NOISE)


@pytest.mark.parametrize("end", range(417, 480))
def test_a_file_that_ends_within_its_first_headers_is_refused(measure: Measure, end: int) -> None:
    with pytest.raises(BadAudioError):
        measure(ID3V2 + with_xing_header(mp3(), 100)[: end - 60])
