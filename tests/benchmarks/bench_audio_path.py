"""What a song in hex costs from the provider's first byte to the track in S3: processor time as a ratio to the obvious
handler (`httpx.post`, `json.loads`, `bytes.fromhex`, `put_object`), requests to S3, and bytes in either direction.

Provider and S3 are processes of their own on loopback; the records are in memory, for both alike. Fails where a run did
not reach them. Run with `python -m tests.benchmarks.bench_audio_path`.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from fermata.adapters.audio.marking.marker import FileMarker
from fermata.adapters.audio.measurement import FileAudioMeter
from fermata.adapters.http.upstream import HttpUpstream
from fermata.adapters.s3.answer_store import S3AnswerStore
from fermata.adapters.s3.track_store import S3TrackStore
from fermata.domain.audio.marks import source_bytes
from fermata.domain.jobs.next_step import StepKind
from fermata.use_cases.generation.finish.store_audio import StoreOutcome, store_audio
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.wiring.generation import start_ports, store_ports
from tests.benchmarks.audio_servers import song
from tests.benchmarks.sizes import sized
from tests.fakes.jobs.job_store import InMemoryJobStore
from tests.fakes.world import World
from tests.functions import ROOT
from tests.songs import JOB_ID, queued_job

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MEGABYTES: Final = (2, 10, 50) if sized(1, 0) else (2,)
REPETITIONS: Final = sized(9, 1)
BUCKET: Final = "bench"


def main() -> None:
    """Print a line for each size."""
    with serving("source") as source, serving("sink") as sink, real_world(s3 := s3_client(sink)) as world:
        for megabytes in MEGABYTES:
            size = megabytes * 1_000_000
            url = f"{source}/{size}"
            ways: Mapping[str, Callable[[], int]] = {
                "naive": partial(naive, url, s3),
                "ours": partial(ours, url, world),
            }
            found: dict[str, list[tuple[float, Mapping[str, int]]]] = {name: [] for name in ways}
            expected = len(song(size))
            for _ in range(REPETITIONS + 1):
                for name, way in ways.items():
                    found[name].append(measured(way, sink, expected))
            report(megabytes, {name: runs[1:] for name, runs in found.items()})


def report(megabytes: int, found: Mapping[str, list[tuple[float, Mapping[str, int]]]]) -> None:
    """Print medians and the noise: the distance of the quartiles in percent of the median."""
    times = {name: [taken for taken, _ in runs] for name, runs in found.items()}
    ratio = statistics.median(times["naive"]) / statistics.median(times["ours"])
    print(f"{megabytes} MB of MP3 in hex: naive/ours {ratio:.2f} in processor time")
    for name, runs in found.items():
        counts = runs[-1][1]
        requests = {kind: n for kind, n in counts.items() if kind not in ("sent", "received")}
        middle = statistics.median(times[name])
        print(
            f"  {name}: {middle * 1000:.0f} ms ({noise(times[name]):.0f} %), {sum(requests.values())} requests to S3 "
            f"{requests}, {counts['received'] / 1e6:.1f} MB to S3, {counts.get('sent', 0) / 1e6:.1f} MB back"
        )


def noise(times: list[float]) -> float:
    """The distance of the quartiles, in percent of the median."""
    if len(times) < 2:
        return 0
    low, middle, high = statistics.quantiles(times, n=4)
    return (high - low) / middle * 100


def measured(way: Callable[[], int], sink: str, expected: int) -> tuple[float, Mapping[str, int]]:
    """The processor time of a run in seconds, its children's included, and what S3 counted."""
    httpx.get(f"{sink}/_counts")
    before = processor_time_s()
    stored = way()
    taken = processor_time_s() - before
    counts = httpx.get(f"{sink}/_counts").json()
    if stored != expected or counts.get("received", 0) < expected:
        raise SystemExit(f"{stored} bytes of {expected} were stored, and S3 received {counts}: nothing was measured")
    return taken, counts


def processor_time_s() -> float:
    """The processor time of this process and of its ended children."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def naive(url: str, s3: "S3Client") -> int:
    """The obvious handler. Return the song's bytes."""
    answer = httpx.post(f"{url}/v1/music_generation", json={"prompt": "a song"}, timeout=60)
    audio = bytes.fromhex(json.loads(answer.content)["data"]["audio"])
    s3.put_object(Bucket=BUCKET, Key="tracks/naive.mp3", Body=audio, ContentType="audio/mpeg")
    return len(audio)


def ours(url: str, world: World) -> int:
    """The use cases of an order and of its songs. Return the bytes of the provider's song."""
    world.upstream = HttpUpstream(lambda _: url, 5, 60)  # type: ignore[assignment]  # the real one
    world.jobs = InMemoryJobStore()
    # The provider's queue has a place again by then.
    world.clock.pass_seconds(3600)
    world.jobs.create(queued_job(now=world.clock()))
    step = start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    outcome = store_audio(JOB_ID, 1, store_ports(world.remaining_ms)).outcome
    if step.kind is not StepKind.READY or outcome is not StoreOutcome.STORED:
        raise SystemExit(f"the song ended as {step.kind} and {outcome}: nothing was measured")
    (track,) = world.stored(JOB_ID).tracks
    return source_bytes(track.edits, track.bytes)


@contextmanager
def real_world(s3: "S3Client") -> Iterator[World]:
    """The wiring with records in memory and everything that touches audio real."""
    with tempfile.TemporaryDirectory() as folder, World(scratch=Path(folder), marker=FileMarker()) as world:
        world.answers = S3AnswerStore(s3, BUCKET, Path(folder))  # type: ignore[assignment]  # the real ones
        world.tracks = S3TrackStore(s3, BUCKET)  # type: ignore[assignment]
        world.meter = FileAudioMeter()  # type: ignore[assignment]
        yield world


def s3_client(endpoint: str) -> "S3Client":
    """A client with the settings of Fermata's own."""
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")
    os.environ["AWS_ENDPOINT_URL"] = endpoint
    from fermata.adapters import aws

    return aws.s3()


@contextmanager
def serving(role: str) -> Iterator[str]:
    """The address of a server in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.audio_servers", role]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()


if __name__ == "__main__":
    main()
