"""What a song that comes by link costs until it is stored, against the handler that anybody would write first.

Run with `make bench`. A source serves the song and a sink speaks as S3 does, each in a process of its own on loopback.
The ways take turns in one process, whose CPU time counts (and that of the process that signs, if any); the memory is
that of a process for each way. Prints nothing unless source and sink saw exactly the requests that had to be.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median, quantiles
from typing import Final

import boto3
import httpx

from fermata.adapters.audio.marking.marker import FileMarker, SigningMarker
from fermata.adapters.audio.marking.signer import ProcessSigner
from fermata.ports.audio import AudioMarker, SigningKey
from local.deploy.signing_key import development_key
from tests.benchmarks.sizes import sized
from tests.functions import ROOT
from tests.support.audio_files import mp3
from tests.support.cloud import BUCKET, REGION
from tests.support.linked_song import store_linked_song
from tests.support.peak_memory import peak_bytes

MB: Final = 1_000_000
SIZES: Final = sized(10, 1), sized(50, 2)
RUNS: Final = sized(15, 1)
SIGNED_RUNS: Final = sized(5, 1)
GOALS: Final = {10: 1.1, 50: 1.2}
WARM: Final = "small"
"""A song that every process stores first, so that imports, clients and connections are not measured."""
Way = Callable[[str], None]


def naive(get: Callable[[str], httpx.Response] = httpx.get) -> Way:
    """The handler that reads the link into memory and puts it into the bucket. `httpx.get` reads the certificates of
    TLS again for each call, some 20 ms; a client that is kept does not.
    """
    s3 = boto3.client("s3")

    def handler(url: str) -> None:
        response = get(url)
        response.raise_for_status()
        s3.put_object(Bucket=BUCKET, Key="naive.mp3", Body=response.content, ContentType="audio/mpeg")

    return handler


def ours(marker: AudioMarker | None, scratch: Path) -> Way:
    """Our use case with its real adapters."""

    def handler(url: str) -> None:
        job = store_linked_song(url, marker, scratch)
        if len(job.tracks) != 1:
            raise AssertionError(f"expected one track, found {job.tracks}")

    return handler


def ways(scratch: Path) -> dict[str, Callable[[], Way]]:
    """Each way by its name."""
    key = SigningKey(**json.loads(development_key()))
    return {
        "naive": naive,
        "naive with a kept client": lambda: naive(httpx.Client().get),
        "off": lambda: ours(None, scratch),
        "tags": lambda: ours(FileMarker(), scratch),
        "c2pa": lambda: ours(SigningMarker(ProcessSigner(lambda: key)), scratch),
    }


# ---- in a process that is measured


def cpu_s() -> float:
    """The CPU time of this process and of its ended children."""
    spent = (resource.getrusage(each) for each in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in spent)


def take_turns(names: list[str], origin: str, song: str, runs: int) -> None:
    """Print the CPU seconds of each run of each way."""
    with tempfile.TemporaryDirectory() as scratch:
        made = {name: way() for name, way in ways(Path(scratch)).items() if name in names}
        spent: dict[str, list[float]] = {name: [] for name in names}
        for number in count(-1):
            if number == runs:
                break
            for name in names:
                began = cpu_s()
                made[name](f"{origin}/{song if number >= 0 else WARM}")
                if number >= 0:
                    spent[name].append(cpu_s() - began)
    print(json.dumps(spent))


def remember(name: str, origin: str, song: str) -> None:
    """Print the bytes of memory that a song takes beyond those of a process that is idle after a small one."""
    with tempfile.TemporaryDirectory() as scratch:
        handler = ways(Path(scratch))[name]()
        handler(f"{origin}/{WARM}")
        idle = resident_bytes()
        handler(f"{origin}/{song}")
    print(json.dumps(peak_bytes() - idle))


def resident_bytes() -> int:
    """The memory that this process holds now."""
    status = Path("/proc/self/status").read_text("utf-8")
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


# ---- what measures


@contextmanager
def server(*arguments: str) -> Iterator[str]:
    """Yield the address of a server in a process of its own."""
    command = [sys.executable, "-m", "tests.support.counting_servers", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate()


def measured(sink: str, *arguments: str) -> object:
    """What a process of this module prints."""
    variables = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(each for each in sys.path if each),
        "AWS_ENDPOINT_URL": sink,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    command = [sys.executable, "-m", "tests.benchmarks.bench_link_path", *arguments]
    ended = subprocess.run(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(ended.stdout.splitlines()[-1])


@dataclass(frozen=True)
class Passed:
    """The requests that a server saw, and the bytes of bodies that it took and gave."""

    requests: int
    received_bytes: int
    sent_bytes: int

    @classmethod
    def at(cls, origin: str) -> "Passed":
        """What passed until now."""
        found = httpx.get(f"{origin}/counts").json()
        return cls(len(found["requests"]), found["received_bytes"], found["sent_bytes"])

    def since(self, before: "Passed") -> "Passed":
        """What passed in between."""
        return Passed(
            self.requests - before.requests,
            self.received_bytes - before.received_bytes,
            self.sent_bytes - before.sent_bytes,
        )


def report(size: int, source: str, sink: str, song_bytes: int) -> None:
    """Print the rows of one size, once source and sink confirm them."""
    before = Passed.at(source), Passed.at(sink)
    names, song = ["naive", "naive with a kept client", "off", "tags"], f"{size}"
    spent: dict[str, list[float]] = measured(sink, "cpu", ",".join(names), source, song, str(RUNS))  # type: ignore[assignment]
    signed: dict[str, list[float]] = measured(sink, "cpu", "naive,c2pa", source, song, str(SIGNED_RUNS))  # type: ignore[assignment]
    beyond = {name: measured(sink, "memory", name, source, song) for name in (*names, "c2pa")}
    given, taken = Passed.at(source).since(before[0]), Passed.at(sink).since(before[1])
    _confirm(given, taken, len(names) * RUNS + 2 * SIGNED_RUNS + len(beyond), len(names) + 2 + len(beyond), song_bytes)
    for name in (*names, "c2pa"):
        runs = (signed if name == "c2pa" else spent)[name]
        beside = (signed if name == "c2pa" else spent)["naive"]
        spread = quantiles(runs, n=4) if len(runs) > 1 else [runs[0]] * 3
        print(
            f"{song_bytes / MB:.1f} MB, {name}: {median(runs) * 1000:.1f} ms of CPU "
            f"(quartiles {spread[0] * 1000:.1f} and {spread[2] * 1000:.1f}), "
            f"naive/this {median(beside) / median(runs):.2f}, {int(str(beyond[name])) / MB:.1f} MB above idle"
        )


def _confirm(source: Passed, sink: Passed, songs: int, small: int, song_bytes: int) -> None:
    """End the program unless the source gave, and the sink took, so many songs and small ones, and gave nothing."""
    if (source.requests, sink.requests) != (songs + small, songs + small):
        raise SystemExit(f"expected {songs + small} songs fetched and put, found {source.requests}, {sink.requests}")
    least = songs * song_bytes
    if min(source.sent_bytes, sink.received_bytes) < least or sink.sent_bytes:
        raise SystemExit(f"expected {least} bytes from source to sink and none back, found {source} and {sink}")


def main() -> None:
    """Print a row for each way and size, and the machine's load."""
    frames = mp3(kbps=256, seconds=10)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        songs = {WARM: frames} | {f"{size}": frames * (size * MB // len(frames)) for size in SIZES}
        for name, song in songs.items():
            (folder / name).write_bytes(song)
        source = stack.enter_context(server("source", *(str(folder / name) for name in songs)))
        sink = stack.enter_context(server("sink"))
        for size in SIZES:
            began = time.monotonic()
            report(size, source, sink, len(songs[f"{size}"]))
            load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
            print(f"  load {load} on {os.cpu_count()} cores, {time.monotonic() - began:.0f} s")
    print(f"goals: {', '.join(f'{goal} at {size} MB' for size, goal in GOALS.items())} with tags, 12 MB above idle")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["cpu", names, origin, song, runs]:
            take_turns(names.split(","), origin, song, int(runs))
        case ["memory", name, origin, song]:
            remember(name, origin, song)
        case _:
            main()
