"""What is measured is what an independent decoder plays, and a cut or foreign file is refused.

The kept files were written with libsndfile: 0.6 s of a tone with noise, and 40 s of silence, 16 kHz, one channel.
"""

import io
import struct
import tracemalloc
import wave
from collections.abc import Callable
from functools import cache
from pathlib import Path

import lameenc
import miniaudio
import numpy as np
import pytest

from fermata.adapters.audio_measurement import FileAudioMeter, measure_audio
from fermata.errors import BadAudioError
from fermata.ports import AudioFacts
from tests.fixtures.http_answers import FIXTURES

# Promised are 50 ms; what is counted frame by frame leaves only what decoders round.
TOLERANCE_MS = 5
ID3V2 = b"ID3\x04\x00\x00\x00\x00\x07\x68" + bytes(1000)
ID3V2_WITH_FOOTER = b"ID3\x04\x00\x10\x00\x00\x07\x68" + bytes(1000) + b"3DI\x04\x00\x10\x00\x00\x07\x68"
LONG_ID3V2 = b"ID3\x04\x00\x00\x00\x04\x22\x70" + bytes(70_000)
ID3V1 = b"TAG" + bytes(125)


def samples(seconds: float, rate: int, channels: int) -> bytes:
    moments = np.arange(int(seconds * rate)) / rate
    loudness = 4000 * (1 + np.floor(moments * 2) % 4)
    tune = (loudness * np.sin(2 * np.pi * 330 * moments)).astype(np.int16)
    return np.repeat(tune[:, None], channels, axis=1).tobytes()


@cache
def mp3(rate: int = 44100, channels: int = 2, kbps: int | None = 128, seconds: float = 3.3) -> bytes:
    """An MP3 file without a Xing header; of variable bit rate where `kbps` is None."""
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_channels(channels)
    encoder.set_in_sample_rate(rate)
    encoder.set_out_sample_rate(rate)
    encoder.set_quality(7)
    if kbps is None:
        encoder.set_vbr(4)
        encoder.set_vbr_quality(2)
    else:
        encoder.set_bit_rate(kbps)
    return bytes(encoder.encode(samples(seconds, rate, channels)) + encoder.flush())


def wav(rate: int = 44100, channels: int = 2, seconds: float = 1.5) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(samples(seconds, rate, channels))
    return file.getvalue()


def with_xing_header(
    song: bytes, frames: int | None, padding: tuple[int, int] = (576, 700), kind: bytes = b"Info"
) -> bytes:
    """The song (44.1 kHz stereo) behind a frame that says how many frames there are and how they are padded."""
    lame = b"LAME3.100".ljust(21, b"\0") + (padding[0] << 12 | padding[1]).to_bytes(3, "big")
    counts = struct.pack(">I", 0x8) if frames is None else struct.pack(">III", 0xF, frames, len(song)) + bytes(100)
    tag = kind + counts + bytes(4) + lame
    return (b"\xff\xfb\x90\x64" + bytes(32) + tag).ljust(417, b"\0") + song


@pytest.fixture
def measure(tmp_path: Path) -> Callable[[bytes], AudioFacts]:
    def measure_bytes(song: bytes) -> AudioFacts:
        path = tmp_path / "song"
        path.write_bytes(song)
        return measure_audio(path)

    return measure_bytes


def decoded_ms(song: bytes) -> float:
    decoded = miniaudio.decode(song)
    return float(decoded.num_frames / decoded.sample_rate * 1000)


Measure = Callable[[bytes], AudioFacts]
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
def test_padding_named_by_the_encoder_is_not_music(measure: Measure, kind: bytes) -> None:
    frames = measure(mp3()).duration_ms * 44100 // 1152 // 1000
    song = with_xing_header(mp3(), frames, kind=kind)
    assert measure(song).duration_ms == pytest.approx(decoded_ms(song), abs=2)
    assert measure(song).duration_ms < measure(mp3()).duration_ms - 20


def test_a_xing_header_without_a_number_of_frames_is_no_music_either(measure: Measure) -> None:
    without_padding = with_xing_header(mp3(), None, (0, 0))
    assert measure(without_padding).duration_ms == measure(mp3()).duration_ms


def test_frames_beyond_those_announced_are_not_played(measure: Measure) -> None:
    song = with_xing_header(mp3(), 50)
    assert measure(song).duration_ms == pytest.approx(decoded_ms(song), abs=2)


def test_an_mp3_that_announces_more_frames_than_it_has_is_cut(measure: Measure) -> None:
    frames = measure(mp3()).duration_ms * 44100 // 1152 // 1000
    song = with_xing_header(mp3(), frames)
    with pytest.raises(BadAudioError, match="the file is cut"):
        measure(song[: len(song) // 2])


def test_a_file_from_another_encoder_with_a_xing_header_is_measured() -> None:
    facts = measure_audio(FIXTURES / "audio" / "tone_xing_header.mp3")
    assert (facts.duration_ms, facts.sample_rate_hz, facts.channels) == (600, 16000, 1)


def test_foreign_bytes_between_frames_are_passed_over(measure: Measure) -> None:
    song = mp3(kbps=128)
    facts = measure(song[:20_000] + bytes(500) + song[20_000:])
    assert facts.duration_ms == pytest.approx(measure(song).duration_ms, abs=100)


@pytest.mark.parametrize(("rate", "channels"), [(44100, 2), (16000, 1)])
def test_a_wav_is_as_long_as_a_decoder_plays_it(measure: Measure, rate: int, channels: int) -> None:
    song = wav(rate, channels)
    facts = measure(song)
    assert facts == AudioFacts("audio/wav", "wav", len(song), 1500, rate, channels, rate * channels * 16)
    assert decoded_ms(song) == pytest.approx(1500, abs=1)


@pytest.mark.parametrize("unknown", [0xFFFFFFFF, 0x7FFFFFFF])
def test_a_wav_that_was_streamed_out_lasts_until_its_end(measure: Measure, unknown: int) -> None:
    song = bytearray(wav())
    song[40:44] = struct.pack("<I", unknown)
    assert measure(bytes(song)).duration_ms == pytest.approx(decoded_ms(bytes(song)), abs=1)


@pytest.mark.parametrize("missing", [1, 4, 100_000])
def test_a_wav_with_samples_missing_is_cut(measure: Measure, missing: int) -> None:
    with pytest.raises(BadAudioError, match="the file is cut"):
        measure(wav()[:-missing])


@pytest.mark.parametrize(
    ("name", "rate", "content_type"),
    [
        ("tone.flac", 16000, "audio/flac"),
        ("tone_vorbis.ogg", 16000, "audio/ogg"),
        ("tone_opus.ogg", 48000, "audio/ogg"),
    ],
)
def test_flac_and_ogg_are_measured(name: str, rate: int, content_type: str) -> None:
    path = FIXTURES / "audio" / name
    facts = FileAudioMeter().measure(path)
    assert (facts.duration_ms, facts.sample_rate_hz, facts.channels) == (600, rate, 1)
    assert (facts.content_type, facts.bytes) == (content_type, path.stat().st_size)
    assert facts.bitrate_bps == pytest.approx(path.stat().st_size * 8 / 0.6, rel=0.1)


@pytest.mark.parametrize("name", ["tone.flac", "tone_vorbis.ogg", "tone_opus.ogg"])
@pytest.mark.parametrize("kept", [0.5, 0.9, 0.999])
def test_a_flac_or_ogg_without_its_end_is_cut(measure: Measure, name: str, kept: float) -> None:
    song = (FIXTURES / "audio" / name).read_bytes()
    with pytest.raises(BadAudioError, match="is cut"):
        measure(song[: int(len(song) * kept)])


def test_a_flac_that_ends_with_a_whole_frame_but_too_early_is_cut(measure: Measure) -> None:
    song = (FIXTURES / "audio" / "silence_40_s.flac").read_bytes()
    with pytest.raises(BadAudioError, match="is cut"):
        measure(song[: song.rindex(b"\xff\xf8")])


def test_frame_numbers_of_several_bytes_are_read(measure: Measure) -> None:
    song = (FIXTURES / "audio" / "silence_40_s.flac").read_bytes()
    assert measure(song).duration_ms == 40_000


def test_a_flac_may_carry_a_tag_behind_its_last_frame(measure: Measure) -> None:
    assert measure((FIXTURES / "audio" / "tone.flac").read_bytes() + ID3V1).duration_ms == 600


def test_a_flac_that_does_not_say_its_length_is_measured_by_its_last_frame(measure: Measure) -> None:
    song = bytearray((FIXTURES / "audio" / "tone.flac").read_bytes())
    song[21] &= 0xF0
    song[22:26] = bytes(4)
    assert measure(bytes(song)).duration_ms == 600


@pytest.mark.parametrize(("at", "octet"), [(26, 0), (27, 10)], ids=["no_packet", "short_packet"])
def test_a_damaged_first_page_of_ogg_is_refused(measure: Measure, at: int, octet: int) -> None:
    song = bytearray((FIXTURES / "audio" / "tone_opus.ogg").read_bytes())
    song[at] = octet
    with pytest.raises(BadAudioError, match="cut or damaged"):
        measure(bytes(song))


NOISE = np.random.default_rng(3).bytes(50_000)


@pytest.mark.parametrize(
    "garbage",
    [
        NOISE,
        b"",
        b"<!DOCTYPE html>" + b" " * 5000,
        ID3V2 + NOISE,
        ID3V2,
        b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + bytes(5000),
        b"\xff\xfb\x90\x64" * 2000,
        b"\xff\xfb\x90\x64" + NOISE,
        mp3()[:2000] + NOISE,
        mp3()[:1100],
        b"RIFF\xff\xff\xff\xffWAVE" + NOISE,
        wav()[:44] + bytes(990),
        b"RIFF\x00\x10\x00\x00WAVEfmt \x10\x00\x00\x00" + bytes(5000),
        b"fLaC" + NOISE,
        b"OggS" + NOISE,
        b"OggS\x00\x02" + bytes(5000),
    ],
    ids=range(16),
)
def test_what_only_looks_like_audio_is_refused(measure: Measure, garbage: bytes) -> None:
    with pytest.raises(BadAudioError):
        measure(garbage)


@pytest.mark.parametrize("name", ["tone.flac", "tone_vorbis.ogg", "tone_opus.ogg", "tone_xing_header.mp3"])
def test_a_damaged_file_is_measured_or_refused_and_never_breaks_the_reader(measure: Measure, name: str) -> None:
    chance = np.random.default_rng(11)
    whole = (FIXTURES / "audio" / name).read_bytes()
    refused = 0
    for _ in range(150):
        song = bytearray(whole)
        for at in chance.integers(0, 100, size=chance.integers(1, 6)):
            song[at] = chance.integers(256)
        try:
            measure(bytes(song))
        except BadAudioError:
            refused += 1
    assert 0 < refused < 150


def test_memory_does_not_grow_with_the_song(measure: Measure, tmp_path: Path) -> None:
    song = mp3(kbps=128)
    measure(song)
    (tmp_path / "long").write_bytes(song * 100)
    tracemalloc.start()
    try:
        measure_audio(tmp_path / "long")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1024 * 1024
