"""AAC with ADTS headers is as long as its frames are."""

import pytest

from fermata.errors import BadAudioError
from tests.support.audio_files import ID3V2, NOISE, Measure, kept

TONE = kept("tone_adts.aac")
# 45 frames of 1,024 samples.
TONE_MS = round(45 * 1024 / 22.05)


def frame(length: int = 200, rate_index: int = 4, channels: int = 2, blocks: int = 1, first: int = 0xF1) -> bytes:
    head = bytearray(7)
    head[0], head[1] = 0xFF, first
    head[2] = 1 << 6 | rate_index << 2 | channels >> 2
    head[3] = (channels & 3) << 6 | length >> 11
    head[4] = length >> 3 & 0xFF
    head[5] = (length & 7) << 5 | 0x1F
    head[6] = 0xFC | blocks - 1
    return bytes(head).ljust(length, b"\0")


def test_aac_is_measured(measure: Measure) -> None:
    facts = measure(TONE)
    assert (facts.duration_ms, facts.sample_rate_hz, facts.channels) == (TONE_MS, 22050, 1)
    assert (facts.content_type, facts.extension, facts.bytes) == ("audio/aac", "aac", len(TONE))
    assert facts.bitrate_bps == pytest.approx(len(TONE) * 8000 / TONE_MS, rel=0.01)


@pytest.mark.parametrize("lead", [b"\r\n", bytes(100), ID3V2, ID3V2 + bytes(200_000)])
def test_aac_may_stand_behind_a_tag_zeros_or_line_ends(measure: Measure, lead: bytes) -> None:
    facts = measure(lead + TONE)
    assert (facts.content_type, facts.duration_ms) == ("audio/aac", TONE_MS)


@pytest.mark.parametrize("between", [b"", ID3V2, ID3V2 * 3, b"\r\n", NOISE[:500]])
def test_joined_parts_are_as_long_as_all_of_them(measure: Measure, between: bytes) -> None:
    assert measure(TONE + between + TONE).duration_ms == pytest.approx(2 * TONE_MS, abs=60)


@pytest.mark.parametrize("first", [0xF0, 0xF1, 0xF8, 0xF9])
@pytest.mark.parametrize(("code", "channels"), [(0, 2), (1, 1), (2, 2), (6, 6), (7, 8)])
def test_every_header_is_read(measure: Measure, first: int, code: int, channels: int) -> None:
    facts = measure(frame(channels=code, first=first) * 100)
    assert (facts.duration_ms, facts.sample_rate_hz, facts.channels) == (round(102400 / 44.1), 44100, channels)


def test_a_frame_may_hold_several_blocks(measure: Measure) -> None:
    assert measure(frame(blocks=4) * 100).duration_ms == round(4 * 102400 / 44.1)


def test_of_a_cut_file_what_is_there_is_measured(measure: Measure) -> None:
    assert measure(TONE[: len(TONE) // 2]).duration_ms == pytest.approx(TONE_MS / 2, abs=100)


@pytest.mark.parametrize("song", [TONE[:500] + NOISE, frame()[:7] + NOISE, frame(length=7) + bytes(3000)])
def test_a_file_that_is_mostly_not_aac_is_refused(measure: Measure, song: bytes) -> None:
    with pytest.raises(BadAudioError):
        measure(song)
