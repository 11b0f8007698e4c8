"""Loudness, true peak and waveform against EBU's published signals, ffmpeg, and slow computations of the same."""

import json
import math
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from fermata.adapters.loudness.integrated import IntegratedLoudness
from fermata.adapters.loudness.k_weighting import KWeighting, coefficients
from fermata.adapters.loudness.sound_meter import SndfileSoundMeter
from fermata.adapters.loudness.true_peak import TruePeak
from fermata.adapters.loudness.waveform import MOST_PIXELS, Waveform
from fermata.domain.audio.sound import Unmeasured
from fermata.ports.sound import Sound

Samples = NDArray[np.float32]
RATE = 48_000


def tone(seconds: float, dbfs: float, rate: int = RATE, frequency: float = 1000) -> Samples:
    phase = 2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate
    return (10 ** (dbfs / 20) * np.sin(phase)).astype(np.float32)


def music(seconds: float, rate: int = 44_100) -> Samples:
    """Two different channels, whose level changes."""
    chance, time = np.random.default_rng(15), np.arange(round(seconds * rate)) / rate
    level = 0.02 + 0.9 * np.sin(2 * np.pi * time / 7) ** 2
    left = 0.2 * level * chance.standard_normal(len(time)).clip(-4, 4)
    return np.stack((left, 0.7 * level[::-1] * np.sin(2 * np.pi * time * (150 + 400 * time)))).astype(np.float32)


def lufs(samples: Samples, rate: int = RATE) -> float | None:
    meter = IntegratedLoudness(rate, len(samples))
    for begin in range(0, samples.shape[1], meter.block):
        meter.add(samples[:, begin : begin + meter.block])
    return meter.lufs()


def dbtp(samples: Samples, block: int = 10_007) -> float | None:
    meter = TruePeak(len(samples))
    for begin in range(0, samples.shape[1], block):
        meter.add(samples[:, begin : begin + block])
    return meter.dbtp()


def measure(path: Path, duration_s: float = 0.1, within_s: float = 3600) -> Sound | Unmeasured:
    return SndfileSoundMeter().measure(path, round(duration_s * 1000), within_s)


def measured(path: Path, duration_s: float = 0.1) -> Sound:
    found = measure(path, duration_s)
    assert isinstance(found, Sound)
    return found


STEREO = (0.0, 0.0)
SURROUND = (-28.0, -28.0, -24.0, -math.inf, -30.0, -30.0)


@pytest.mark.parametrize(
    ("parts", "channels", "expected"),
    [
        ([(20, -23)], STEREO, -23.0),
        ([(20, -33)], STEREO, -33.0),
        ([(10, -36), (60, -23), (10, -36)], STEREO, -23.0),
        ([(10, -72), (10, -36), (60, -23), (10, -36), (10, -72)], STEREO, -23.0),
        ([(20, -26), (20.1, -20), (20, -26)], STEREO, -23.0),
        ([(20, 0)], SURROUND, -23.0),
    ],
    ids=["1", "2", "3", "4", "5", "6"],
)
def test_the_signals_of_ebu_tech_3341_are_as_loud_as_they_say(
    parts: Sequence[tuple[float, float]], channels: Sequence[float], expected: float
) -> None:
    signal = np.concatenate([tone(seconds, dbfs) for seconds, dbfs in parts])
    found = lufs(np.stack([signal * 10 ** (level / 20) for level in channels]).astype(np.float32))
    assert found == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(
    ("divisor", "degrees", "dbfs", "expected"),
    [(4, 0, -6, -6.0), (4, 45, -6, -6.0), (6, 60, -6, -6.0), (8, 67.5, -6, -6.0), (4, 45, 3, 3.0)],
    ids=["15", "16", "17", "18", "19"],
)
def test_the_true_peaks_of_ebu_tech_3341_are_within_its_tolerance(
    divisor: int, degrees: float, dbfs: float, expected: float
) -> None:
    position = np.arange(RATE)
    fade = np.minimum(1, np.minimum(position, position[::-1]) / 2000)
    wave = 10 ** (dbfs / 20) * fade * np.sin(2 * np.pi * position / divisor + math.radians(degrees))
    found = dbtp(np.stack((wave, wave)).astype(np.float32))
    assert found is not None
    assert -0.4 <= found - expected <= 0.2


def test_the_filter_has_the_coefficients_of_the_standard_at_48_khz() -> None:
    (shelf, shelf_back), (_, high_pass_back) = coefficients(RATE)
    assert shelf == pytest.approx([1.53512485958697, -2.69169618940638, 1.19839281085285], abs=1e-8)
    assert shelf_back == pytest.approx([1, -1.69065929318241, 0.73248077421585], abs=1e-8)
    assert high_pass_back == pytest.approx([1, -1.99004745483398, 0.99007225036621], abs=1e-8)


@pytest.mark.parametrize("rate", [11_025, 44_100])
def test_filtering_in_blocks_is_the_recursive_filter(rate: int) -> None:
    weighting = KWeighting(rate, 1)
    signal = music(2.3 * weighting.block / rate, rate)[:1]
    expected = signal[0].astype(float).tolist()
    for (b0, b1, b2), (_, a1, a2) in coefficients(rate):
        x1 = x2 = y1 = y2 = 0.0
        for place, x in enumerate(expected):
            y = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2
            x1, x2, y1, y2 = x, x1, y, y1
            expected[place] = y
    blocks = [signal[:, begin : begin + weighting.block] for begin in range(0, signal.shape[1], weighting.block)]
    found = np.concatenate([weighting.filtered(block) for block in blocks], axis=1)[0]
    assert float(np.abs(found - expected).max()) < 1e-6


def test_silence_and_less_than_a_gating_block_have_no_loudness() -> None:
    assert lufs(np.zeros((2, RATE), np.float32)) is None
    assert lufs(tone(0.39, -20)[None]) is None
    assert lufs(tone(5, -80)[None]) is None
    assert lufs(np.zeros((1, 0), np.float32)) is None
    assert dbtp(np.zeros((2, RATE), np.float32)) is None


@pytest.mark.parametrize("spread", [1, 7])
def test_a_waveform_is_that_of_a_slow_computation_within_a_pixel(spread: int) -> None:
    samples = music(2)[:, : 20_000 // spread]
    samples = np.repeat(samples, spread * 256, axis=1)
    waveform = Waveform()
    for begin in range(0, samples.shape[1], 99_991):
        waveform.add(samples[:, begin : begin + 99_991])
    found = json.loads(waveform.as_json(44_100))
    size = found["samples_per_pixel"]
    assert {name: value for name, value in found.items() if name not in ("data", "length", "samples_per_pixel")} == {
        "version": 2,
        "channels": 1,
        "sample_rate": 44_100,
        "bits": 8,
    }
    assert found["length"] == math.ceil(samples.shape[1] / size) <= MOST_PIXELS
    assert len(found["data"]) == 2 * found["length"]
    mono = (samples.astype(float).mean(axis=0) * 32767).astype(int)
    pixels = [mono[begin : begin + size] for begin in range(0, len(mono), size)]
    expected = [int(value / 256) for pixel in pixels for value in (pixel.min(), pixel.max())]
    assert max(abs(one - other) for one, other in zip(found["data"], expected, strict=True)) <= 1


def test_a_short_song_has_256_samples_a_pixel_and_a_long_one_has_as_many_pixels() -> None:
    short, long = Waveform(), Waveform()
    short.add(np.ones((1, 1000), np.float32))
    for _ in range(160):
        long.add(np.full((1, 264_600), -1.0, np.float32))
    assert json.loads(short.as_json(44_100))["data"] == [127, 127] * 4
    found = json.loads(long.as_json(44_100))
    assert (found["samples_per_pixel"], set(found["data"])) == (4096, {-128})
    assert len(long.as_json(44_100)) < 150_000


def ffmpeg(*arguments: str | Path) -> str:
    command = ["ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-y", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("song.mp3", ["-b:a", "128k"]),
        ("song.flac", ["-ar", "22050", "-ac", "1"]),
        ("opus.ogg", ["-c:a", "libopus"]),
    ],
)
def test_ffmpeg_finds_the_same_of_every_container(tmp_path: Path, name: str, options: list[str]) -> None:
    source, song = tmp_path / "source.wav", tmp_path / name
    soundfile.write(source, music(6).T, 44_100)
    ffmpeg("-i", source, *options, song)
    report = ffmpeg("-i", song, "-af", "ebur128=peak=true", "-f", "null", "-").rpartition("Summary:")[2]
    numbers = {label: float(value) for label, value in re.findall(r"(I|Peak): +(-?[\d.]+)", report)}
    found = measured(song, 6)
    assert found.loudness_lufs == pytest.approx(numbers["I"], abs=0.1)
    assert found.true_peak_dbtp == pytest.approx(numbers["Peak"], abs=0.15)
    waveform = json.loads(found.peaks)
    assert waveform["length"] * waveform["samples_per_pixel"] / waveform["sample_rate"] == pytest.approx(6, abs=0.1)
