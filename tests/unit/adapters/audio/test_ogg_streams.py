"""An Ogg file is as long as the times in its pages say, with or without a mark at its end."""

import struct

import pytest

from fermata.errors import BadAudioError, CutAudioError
from tests.support.audio_files import Measure, decoded_ms, kept, ogg_page

NAMES = ["tone_vorbis.ogg", "tone_opus.ogg", "tone_flac.ogg"]
LENGTHS = {"tone_vorbis.ogg": 600, "tone_opus.ogg": 600, "tone_flac.ogg": 2000}
RATES = {"tone_vorbis.ogg": 16000, "tone_opus.ogg": 48000, "tone_flac.ogg": 22050}
UNKNOWN = (1 << 64) - 1
OPUS_HEAD = b"OpusHead\x01\x02" + struct.pack("<HIhB", 312, 44100, 0, 0)
TAGS = b"OpusTags" + bytes(8)
# 20 ms of Opus that are never decoded.
PACKET = bytes([0x0C << 3 | 0x8]) + bytes(99)


def last_page(song: bytes | bytearray) -> int:
    return song.rindex(b"OggS")


def opus(*pages: bytes) -> bytes:
    return ogg_page([OPUS_HEAD], 0, flags=2) + ogg_page([TAGS], 0) + b"".join(pages)


@pytest.mark.parametrize("name", NAMES)
def test_each_coding_is_measured(measure: Measure, name: str) -> None:
    song = kept(name)
    facts = measure(song)
    assert (facts.duration_ms, facts.sample_rate_hz, facts.channels) == (LENGTHS[name], RATES[name], 1)
    assert (facts.content_type, facts.extension, facts.bytes) == ("audio/ogg", "ogg", len(song))
    assert facts.bitrate_bps == pytest.approx(len(song) * 8000 / LENGTHS[name], rel=0.01)


def test_a_decoder_plays_the_same(measure: Measure) -> None:
    assert measure(kept("tone_vorbis.ogg")).duration_ms == pytest.approx(decoded_ms(kept("tone_vorbis.ogg")), abs=5)


@pytest.mark.parametrize("name", NAMES)
def test_the_mark_at_the_end_is_not_needed(measure: Measure, name: str) -> None:
    song = bytearray(kept(name))
    song[last_page(song) + 5] &= ~0x04
    assert measure(bytes(song)).duration_ms == LENGTHS[name]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("share", [0.5, 0.9, 0.999])
def test_an_ogg_that_ends_within_a_page_is_cut(measure: Measure, name: str, share: float) -> None:
    song = kept(name)
    with pytest.raises(CutAudioError, match="is cut"):
        measure(song[: int(len(song) * share)])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("behind", [bytes(3000), b"TAG" + bytes(125), b"\r\n"])
def test_other_bytes_may_follow(measure: Measure, name: str, behind: bytes) -> None:
    assert measure(kept(name) + behind).duration_ms == LENGTHS[name]


@pytest.mark.parametrize("name", NAMES)
def test_bytes_between_pages_are_passed_over(measure: Measure, name: str) -> None:
    song = kept(name)
    at = last_page(song)
    assert measure(bytes(7) + song[:at] + b"OggX" + bytes(50) + song[at:]).duration_ms == LENGTHS[name]


def test_every_stream_of_a_chain_counts(measure: Measure) -> None:
    song = kept("tone_vorbis.ogg") + kept("tone_opus.ogg") + kept("tone_opus.ogg") + kept("tone_flac.ogg")
    facts = measure(song)
    assert facts.duration_ms == 600 * 3 + 2000
    assert facts.sample_rate_hz == 16000


def test_of_streams_side_by_side_one_counts(measure: Measure) -> None:
    begin, other = ogg_page([OPUS_HEAD], 0, flags=2), ogg_page([OPUS_HEAD], 0, serial=8, flags=2)
    foreign = ogg_page([b"fishead\0" + bytes(56)], 0, serial=9, flags=2)
    tags = ogg_page([TAGS], 0) + ogg_page([TAGS], 0, serial=8)
    sound = b"".join(ogg_page([PACKET] * 5, 4800 * n, serial=serial) for n in range(1, 11) for serial in (7, 8))
    assert measure(foreign + begin + other + tags + sound).duration_ms == round((48000 - 312) / 48)


def test_what_the_encoder_put_before_the_song_is_not_played(measure: Measure) -> None:
    song = opus(*(ogg_page([PACKET] * 5, 4800 * n) for n in range(1, 11)))
    assert measure(song).duration_ms == round((48000 - 312) / 48)


def test_a_stream_that_was_recorded_from_the_middle_lasts_from_there(measure: Measure) -> None:
    hours = 5 * 3600 * 48000
    song = opus(*(ogg_page([PACKET] * 5, hours + 4800 * n) for n in range(1, 11)))
    assert measure(song).duration_ms == round((48000 - 312) / 48)


def test_a_vorbis_stream_from_the_middle_lasts_from_there_within_a_page(measure: Measure) -> None:
    song = bytearray(kept("tone_vorbis.ogg"))
    at = song.find(b"OggS")
    while at >= 0:
        position = int.from_bytes(song[at + 6 : at + 14], "little")
        if position not in (0, UNKNOWN):
            song[at + 6 : at + 14] = (position + 10**9).to_bytes(8, "little")
        at = song.find(b"OggS", at + 4)
    assert measure(bytes(song)).duration_ms == pytest.approx(600, abs=120)


def test_pages_without_a_time_are_passed(measure: Measure) -> None:
    pages = [ogg_page([PACKET] * 5, 4800 * n if n % 3 else UNKNOWN) for n in range(1, 11)]
    assert measure(opus(*pages, ogg_page([], UNKNOWN, flags=4))).duration_ms == round((48000 - 312) / 48)


def test_a_time_that_no_packets_can_fill_is_ignored(measure: Measure) -> None:
    pages = [ogg_page([PACKET] * 5, 4800 * n) for n in range(1, 11)]
    longest_ms = 50 * 5760 / 48
    assert measure(opus(*pages, ogg_page([], 1 << 60, flags=4))).duration_ms <= longest_ms


def test_a_flac_stream_that_announces_more_than_there_is_is_cut(measure: Measure) -> None:
    song = bytearray(kept("tone_flac.ogg"))
    total_at = song.index(b"fLaC") + 22
    song[total_at : total_at + 4] = (2 * 22050).to_bytes(4, "big")
    assert measure(bytes(song)).duration_ms == 2000
    with pytest.raises(CutAudioError, match="samples, as the file says itself"):
        measure(bytes(song[: last_page(song)]))


@pytest.mark.parametrize(("at", "octet"), [(26, 0), (27, 10)], ids=["no_packet", "short_packet"])
def test_a_damaged_first_page_is_refused(measure: Measure, at: int, octet: int) -> None:
    song = bytearray(kept("tone_opus.ogg"))
    song[at] = octet
    with pytest.raises(BadAudioError):
        measure(bytes(song))


def test_a_stream_without_sound_is_refused(measure: Measure) -> None:
    with pytest.raises(BadAudioError, match="no Vorbis, Opus or FLAC"):
        measure(ogg_page([b"\x80theora" + bytes(50)], 0, flags=2) * 20)
    with pytest.raises(BadAudioError, match="found 0 ms"):
        measure(opus(*[ogg_page([], UNKNOWN)] * 40))
    with pytest.raises(BadAudioError, match="0 channels"):
        measure(opus().replace(OPUS_HEAD, b"OpusHead\x01\x00" + OPUS_HEAD[10:]) + bytes(2000))
