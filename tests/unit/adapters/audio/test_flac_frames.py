"""A FLAC file is as long as its last whole frame says."""

import pytest

from fermata.errors import BadAudioError, CutAudioError
from tests.support.audio_files import ID3V1, ID3V2, NOISE, Measure, decoded_ms, kept

TONE = kept("tone.flac")
SILENCE = kept("silence_40_s.flac")


def with_total(song: bytes, samples: int) -> bytes:
    """The file with another total of samples in its header."""
    changed = bytearray(song)
    changed[21] = changed[21] & 0xF0 | samples >> 32
    changed[22:26] = (samples & 0xFFFFFFFF).to_bytes(4, "big")
    return bytes(changed)


def test_a_flac_is_measured(measure: Measure) -> None:
    facts = measure(TONE)
    assert (facts.duration_ms, facts.sample_rate_hz, facts.channels) == (600, 16000, 1)
    assert (facts.content_type, facts.extension, facts.bytes) == ("audio/flac", "flac", len(TONE))
    assert facts.bitrate_bps == pytest.approx(len(TONE) * 8 / 0.6, rel=0.01)
    assert decoded_ms(TONE) == pytest.approx(600, abs=1)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.999])
def test_a_flac_without_its_last_frame_is_cut(measure: Measure, share: float) -> None:
    with pytest.raises(CutAudioError, match="is cut"):
        measure(TONE[: int(len(TONE) * share)])


def test_a_flac_that_ends_with_a_whole_frame_but_too_early_is_cut(measure: Measure) -> None:
    song = SILENCE
    for _ in range(3):
        song = song[: song.rindex(b"\xff\xf8")]
    with pytest.raises(CutAudioError, match="expected 640000 samples"):
        measure(song)


def test_up_to_a_hundredth_may_be_missing(measure: Measure) -> None:
    song = SILENCE[: SILENCE.rindex(b"\xff\xf8") + 3]
    assert 39_600 <= measure(song).duration_ms < 40_000


def test_frame_numbers_of_several_bytes_are_read(measure: Measure) -> None:
    assert measure(SILENCE).duration_ms == 40_000


@pytest.mark.parametrize("behind", [ID3V1, bytes(3), bytes(40_000), b"APETAGEX" + bytes(200), ID3V2])
def test_a_tag_or_zeros_may_follow_the_last_frame(measure: Measure, behind: bytes) -> None:
    assert measure(TONE + behind).duration_ms == 600


@pytest.mark.parametrize("samples", [0, 1, 4096, 0xFFFFFFFF, 0x7FFFF000, (1 << 36) - 1])
def test_a_total_that_is_unknown_or_too_low_is_ignored(measure: Measure, samples: int) -> None:
    assert measure(with_total(TONE, samples)).duration_ms == 600


def test_a_total_that_is_too_high_means_a_cut(measure: Measure) -> None:
    with pytest.raises(CutAudioError, match="expected 9800 samples, as the file says itself, found 9600"):
        measure(with_total(TONE, 9800))


@pytest.mark.parametrize(
    "lead", [ID3V2, b"\n" + ID3V2, bytes(100), ID3V2 + bytes(200_000)], ids=["id3", "line_end", "zeros", "padding"]
)
def test_a_flac_may_stand_behind_a_tag_or_zeros(measure: Measure, lead: bytes) -> None:
    facts = measure(lead + TONE)
    assert (facts.content_type, facts.duration_ms) == ("audio/flac", 600)


@pytest.mark.parametrize("total", [9600, 0])
def test_joined_files_are_as_long_as_all_of_them(measure: Measure, total: int) -> None:
    part = with_total(TONE, total)
    song = part + part + part
    assert measure(song).duration_ms == 1800
    assert decoded_ms(song) == pytest.approx(1800, abs=1)


def test_of_joined_files_none_may_be_cut(measure: Measure) -> None:
    with pytest.raises(CutAudioError):
        measure(TONE[:9000] + TONE)


@pytest.mark.parametrize("song", [b"fLaC" + NOISE, b"fLaC" + bytes(2000), TONE[:44] + NOISE, TONE[:30] + bytes(2000)])
def test_a_flac_without_frames_is_refused(measure: Measure, song: bytes) -> None:
    with pytest.raises(BadAudioError):
        measure(song)
