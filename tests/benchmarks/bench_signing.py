"""What a signed manifest adds to a stored song: seconds, the memory of the process that signs, and bytes of the file.

Run with `python -m tests.benchmarks.bench_signing`. Asserts nothing. The seconds and the memory are the other process's
own, start included, because it has ended when they are read.
"""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from fermata.adapters.audio.marking.signer import PROGRAM
from fermata.adapters.audio.marking.signing_process import Request, result_of
from fermata.domain.audio.marks import SongFacts
from fermata.ports.audio import SigningKey
from fermata.variables import variables_of_a_child
from local.deploy.signing_key import development_key
from tests.benchmarks.sizes import sized
from tests.support.audio_files import kept, mp3, wav

MB: Final = 1_000_000
RUNS: Final = sized(5, 1)
ABOUT: Final = SongFacts("job_1", "minimax", "minimax/music-2.6", date(2026, 11, 30), "Rain", "La la " * 200)


def main() -> None:
    """Print a line for each song."""
    key = SigningKey(**json.loads(development_key()))
    with TemporaryDirectory() as folder:
        song, copy = Path(folder) / "song", Path(folder) / "copy"
        for name, content in _songs().items():
            song.write_bytes(content)
            runs = [_signed(Request(song, copy, ABOUT, key)) for _ in range(RUNS)]
            added = copy.stat().st_size - len(content)
            print(
                f"{len(content) / MB:.1f} MB of {name}: {median(took for took, _ in runs):.2f} s of processor time, "
                f"{max(kib for _, kib in runs) / 1024:.0f} MiB at most, {added} bytes longer"
            )


def _songs() -> dict[str, bytes]:
    large = sized(250, 2) * MB
    frames = mp3()
    minutes = sized(52_900_000, 2 * MB)
    head = wav()[:36]

    def wav_of(size: int) -> bytes:
        return (
            head[:4] + (36 + size).to_bytes(4, "little") + head[8:] + b"data" + size.to_bytes(4, "little") + bytes(size)
        )

    return {
        "MP3": frames * (sized(9_600_000, MB) // len(frames)),
        "WAV": wav_of(minutes),
        "WAV, nearly the largest": wav_of(large),
        "M4A": _padded(kept("tone_aac.m4a"), large),
    }


def _padded(song: bytes, size: int) -> bytes:
    """An M4A file with a box of zeros, which a manifest's hash leaves out, and one that it takes in."""
    return song + b"".join((8 + size // 2).to_bytes(4, "big") + name + bytes(size // 2) for name in (b"free", b"junk"))


def _signed(request: Request) -> tuple[float, int]:
    request.into.write_bytes(b"")
    script = (
        "import resource, subprocess, sys; "
        "subprocess.run(sys.argv[1:], stdout=sys.stderr, check=True); "
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, *PROGRAM],
        input=request.as_json().encode(),
        capture_output=True,
        env=variables_of_a_child(sys.path),
        check=True,
    )
    marked = result_of(ended.stderr.decode())
    assert marked.not_signed is None, marked.not_signed
    took_s, kib = ended.stdout.split()
    return float(took_s), int(kib)


if __name__ == "__main__":
    main()
