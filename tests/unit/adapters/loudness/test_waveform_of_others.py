"""Our waveforms as the authors of audiowaveform read and make them, in their JavaScript library waveform-data."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.support.browser import NODE_PACKAGES, ROOT
from tests.unit.adapters.loudness.test_sound_meter import Samples, ffmpeg, measured, music

HERE = Path(__file__).parent
DELAY_OF_MPG123 = 529
"""Samples of silence at the start of an MP3: ffmpeg has them here, the layer's decoder leaves them out."""


def of_others(peaks: bytes, samples: Samples, rate: int, folder: Path) -> dict[str, Any]:
    """What the library reads in our peaks, makes of the samples itself, and makes of our peaks for 100 pixels."""
    (folder / "peaks.json").write_bytes(peaks)
    (folder / "samples.f32").write_bytes(samples.astype(np.float32).tobytes())
    node = NODE_PACKAGES.parent / "bin" / "node"
    arguments: list[str | Path] = [folder / "peaks.json", folder / "samples.f32", str(len(samples)), str(rate)]
    ran = subprocess.run(
        [node, HERE / "waveform_data.mjs", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


@pytest.mark.parametrize(
    ("name", "options", "seconds", "left_out"),
    [
        ("song.wav", [], 6, 0),
        ("song.flac", ["-ar", "22050", "-ac", "1"], 6, 0),
        ("long.flac", ["-ar", "48000"], 200, 0),
        ("song.mp3", ["-b:a", "192k"], 6, DELAY_OF_MPG123),
    ],
)
def test_a_waveform_is_the_one_that_waveform_data_makes_of_ffmpegs_samples(
    tmp_path: Path, name: str, options: list[str], seconds: int, left_out: int
) -> None:
    source, song, decoded = (tmp_path / each for each in ("source.wav", name, "decoded.wav"))
    soundfile.write(source, music(seconds).T, 44_100)
    ffmpeg("-i", source, *options, song)
    # The encoder's delay stays in a waveform.
    ffmpeg("-flags2", "+skip_manual", "-i", song, "-c:a", "pcm_f32le", decoded)
    samples, rate = soundfile.read(decoded, dtype="float32", always_2d=True)
    samples = samples[left_out:]
    peaks = measured(song, seconds).peaks
    told = of_others(peaks, samples.T, rate, tmp_path)
    read, made = told["read"], told["made"]
    ours = json.loads(peaks)
    assert (read["low"], read["high"], read["bits"], read["channels"]) == (ours["data"][::2], ours["data"][1::2], 8, 1)
    assert read["length"] == made["length"] == ours["length"]
    assert read["duration"] == pytest.approx(len(samples) / rate, abs=ours["samples_per_pixel"] / rate)
    for side in ("low", "high"):
        assert max(abs(one - other) for one, other in zip(read[side], made[side], strict=True)) <= 1
    assert told["wide"]["length"] == pytest.approx(100, abs=1)
    assert (min(told["wide"]["low"]), max(told["wide"]["high"])) == (min(read["low"]), max(read["high"]))
