"""What waveform and loudness of an MP3 take, by its length: seconds of one core, and the peak of the process's memory.

Run with `python -m tests.benchmarks.bench_peaks`. Asserts nothing.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import lameenc
import numpy as np

from tests.benchmarks.sizes import sized

MINUTES: Final = (1, 5, 10, 60)[: sized(4, 1)]
RATE: Final = 44_100
KBPS: Final = 256
_MEASURING: Final = """
import sys, time
from pathlib import Path
from fermata.adapters.loudness.sound_meter import SndfileSoundMeter
began = time.process_time()
found = SndfileSoundMeter().measure(Path(sys.argv[1]), int(sys.argv[2]), 3600)
took = time.process_time() - began
kib = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(took, kib, len(found.peaks), found.loudness_lufs, found.true_peak_dbtp)
"""


def main() -> None:
    """Print a line for each length."""
    minute = _minute_of_music()
    with TemporaryDirectory() as folder:
        song = Path(folder) / "song.mp3"
        for minutes in MINUTES:
            song.write_bytes(minute * minutes)
            took_s, kib, peaks, lufs, dbtp = _measured(song, minutes)
            print(
                f"{minutes:2} min of MP3 ({KBPS} kbps, stereo): {float(took_s):.1f} s of one core, "
                f"{int(kib) / 1024:.0f} MiB at most, waveform {int(peaks) / 1000:.0f} KB, {lufs} LUFS, {dbtp} dBTP"
            )


def _minute_of_music() -> bytes:
    chance, time = np.random.default_rng(15), np.arange(60 * RATE) / RATE
    level = 0.02 + 0.6 * np.sin(2 * np.pi * time / 7) ** 2
    noise = 0.2 * chance.standard_normal(len(time)).clip(-4, 4)
    samples = np.stack((level * noise, level * np.sin(2 * np.pi * time * 440)), axis=1)
    encoder = lameenc.Encoder()
    encoder.set_bit_rate(KBPS)
    encoder.set_in_sample_rate(RATE)
    encoder.set_channels(2)
    encoder.silence()
    return bytes(encoder.encode((samples * 32767).astype(np.int16).tobytes()) + encoder.flush())


def _measured(song: Path, minutes: int) -> list[str]:
    # As Lambda has it: one thread, and nothing loaded besides.
    command = [sys.executable, "-c", _MEASURING, str(song), str(minutes * 60_000)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, env={"OPENBLAS_NUM_THREADS": "1"})
    return ended.stdout.split()


if __name__ == "__main__":
    main()
