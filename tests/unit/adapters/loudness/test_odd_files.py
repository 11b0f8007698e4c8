"""Files that lie, are cut or are no sound: measured as they play or refused, in bounded time and memory."""

import json
import math
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import lameenc
import numpy as np
import pytest
import soundfile

from fermata.adapters.loudness.sound_meter import LONGEST_S, SndfileSoundMeter
from fermata.domain.audio.sound import Unmeasured
from fermata.ports.sound import Sound

RATE = 44_100
SECONDS = 2
TONE = (0.25 * np.sin(2 * np.pi * 997 * np.arange(SECONDS * RATE) / RATE) * 32767).astype(np.int16)


def mp3() -> bytes:
    encoder = lameenc.Encoder()
    encoder.set_bit_rate(128)
    encoder.set_in_sample_rate(RATE)
    encoder.set_channels(1)
    encoder.silence()
    return bytes(encoder.encode(TONE.tobytes()) + encoder.flush())


MP3 = mp3()


def tag(content: bytes) -> bytes:
    return b"ID3\x04\0\0" + bytes(len(content) >> shift & 127 for shift in (21, 14, 7, 0)) + content


def field(name: bytes, content: bytes) -> bytes:
    return name + bytes(len(content) >> shift & 127 for shift in (21, 14, 7, 0)) + b"\0\0" + content


def counting(frames: int) -> bytes:
    """The MP3 behind a Xing header that counts so many frames."""
    header = bytes([*MP3[:2], 0x90, MP3[3]])
    return (header + bytes(17) + b"Xing\0\0\0\1" + frames.to_bytes(4, "big")).ljust(417, b"\0") + MP3


def wav(data_size: int | None = None, channels: int = 1, rate: int = RATE, samples: bytes = TONE.tobytes()) -> bytes:
    size = len(samples) if data_size is None else data_size
    head = b"\1\0" + channels.to_bytes(2, "little") + rate.to_bytes(4, "little") + bytes(4) + b"\2\0\x10\0"
    body = b"WAVEfmt \x10\0\0\0" + head + b"data" + size.to_bytes(4, "little") + samples
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def measure(path: Path, content: bytes, seconds: float = SECONDS, clock: Callable[[], float] = lambda: 0.0) -> object:
    path.write_bytes(content)
    found = SndfileSoundMeter(clock).measure(path, round(seconds * 1000), 60)
    return found.loudness_lufs if isinstance(found, Sound) else found


TITLES = b"".join(field(b"TXXX", b"\3n%d\0v" % number) for number in range(20_000))
ODD = {
    "a header that claims hours": counting(9_000_000),
    "a header that counts too few frames": counting(3),
    "20,000 tags": tag(TITLES) + MP3,
    "a picture of 50 MB": tag(field(b"APIC", b"\0image/jpeg\0\3\0" + b"\xff\xfb\x90\x64" * 13_000_000)) + MP3,
    "tags between its frames": MP3[: 417 * 20] + tag(TITLES) + MP3[417 * 20 :],
    "foreign bytes between its frames": MP3[: 417 * 20] + b"\0\x55" * 100_000 + MP3[417 * 20 :],
}


@pytest.mark.parametrize("name", ODD)
def test_a_song_with_something_odd_around_it_is_measured_as_it_plays(tmp_path: Path, name: str) -> None:
    plain = measure(tmp_path / "song", MP3)
    assert measure(tmp_path / "song", ODD[name]) == pytest.approx(plain, abs=0.05)


def test_a_placeholder_for_the_size_of_a_wav_is_no_size(tmp_path: Path) -> None:
    # A sine of 997 Hz in one channel is 3.01 LU below its level of full scale.
    expected = 20 * math.log10(0.25) - 3.01
    assert measure(tmp_path / "song", wav(0xFFFFFFFF)) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Unmeasured.UNDECODABLE),
        (b"<html>" * 1000, Unmeasured.UNDECODABLE),
        (bytes(100_000), Unmeasured.UNDECODABLE),
        (b"\xff\xfb\x90\x64" * 100_000, Unmeasured.UNDECODABLE),
        (np.random.default_rng(3).bytes(500_000), Unmeasured.UNDECODABLE),
        (b"\0\0\0\x20ftypM4A " + bytes(100_000), Unmeasured.NOT_DECODED),
        (MP3[: len(MP3) // 2], Unmeasured.CUT),
        (wav()[: SECONDS * RATE], Unmeasured.CUT),
        (wav(0), Unmeasured.CUT),
        (wav(channels=64), Unmeasured.UNUSUAL_FORMAT),
        (wav(rate=2_000), Unmeasured.UNUSUAL_FORMAT),
    ],
)
def test_what_cannot_be_measured_says_why(tmp_path: Path, content: bytes, reason: Unmeasured) -> None:
    assert measure(tmp_path / "song", content) is reason


def test_values_that_are_no_sound_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    soundfile.write(path, np.array([0.1, math.nan, math.inf] * 1000), RATE, subtype="FLOAT")
    assert measure(path, path.read_bytes(), 0.06) is Unmeasured.UNDECODABLE


def test_a_song_is_given_up_when_its_time_is_over(tmp_path: Path) -> None:
    instants = iter(range(0, 1000, 50))
    content = wav(samples=TONE.tobytes() * 10)
    assert measure(tmp_path / "song", content, clock=lambda: next(instants)) is Unmeasured.TOO_LONG


def test_pictures_in_a_flac_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "song.flac"
    soundfile.write(path, TONE, RATE)
    song = path.read_bytes()
    about = b"\0\0\0\3\0\0\0\x0aimage/jpeg" + bytes(20) + (10_000_000).to_bytes(4, "big") + bytes(10_000_000)
    pictures = (b"\6" + len(about).to_bytes(3, "big") + about) * 5
    assert measure(path, song[:42] + pictures + song[42:]) == pytest.approx(-15.05, abs=0.2)


MEASURING = """
import sys
from pathlib import Path
from fermata.adapters.loudness.sound_meter import SndfileSoundMeter
found = SndfileSoundMeter().measure(Path(sys.argv[1]), 3_600_000, 3600)
print(found.loudness_lufs, next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def test_an_hour_takes_as_much_memory_as_a_minute(tmp_path: Path) -> None:
    path = tmp_path / "hour.wav"
    with wave.open(str(path), "wb") as song:
        song.setnchannels(1)
        song.setsampwidth(2)
        song.setframerate(8_000)
        song.writeframes(bytes(16_000 * 3600))
    ended = subprocess.run(
        [sys.executable, "-c", MEASURING, path],
        capture_output=True,
        text=True,
        check=True,
        env={"OPENBLAS_NUM_THREADS": "1"},
    )
    loudness, kib = ended.stdout.split()
    assert loudness == "None"
    # As floats the hour alone would take 115 MB.
    assert int(kib) < 90 * 1024
    assert LONGEST_S >= 3600


def test_a_waveform_is_what_players_read(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(wav())
    found = SndfileSoundMeter().measure(path, 2000, 60)
    assert isinstance(found, Sound)
    waveform = json.loads(found.peaks)
    assert list(waveform) == ["version", "channels", "sample_rate", "samples_per_pixel", "bits", "length", "data"]
    assert (min(waveform["data"]), max(waveform["data"])) == (-31, 31)
