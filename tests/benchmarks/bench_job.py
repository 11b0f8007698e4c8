"""How much the one-machine cloud adds to a job: seconds until ready, and a warm job with five polls and no latency.

Run with `make bench`. Prints figures and their ratio to one bare read of the same API in the same run; asserts nothing.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from tests.benchmarks.sizes import sized
from tests.integration.song import Cloud, request

ROOT = Path(__file__).parents[2]
PRIORS = '{"aimlapi/minimax/music-2.0":{"p50_s":1,"p80_s":1}}'
FLAGS = ["--provider-latency", "0", "--time-scale", "1000", "--param", f"ModelLatencyPriors={PRIORS}"]
STARTS = sized(2, 1)
RUNS = sized(10, 3)
POLLS = 5
LOOK_AFTER_S = 1.0


@contextmanager
def running_cloud(flags: Sequence[str]) -> Iterator[tuple[Cloud, float]]:
    """A cloud of its own, and the seconds until it was ready."""
    began = time.monotonic()
    command = [sys.executable, "-m", "local", "up", "--port", "0", *flags]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        ready = time.monotonic() - began
        try:
            yield Cloud(json.loads(line)), ready
        finally:
            process.terminate()


def seconds_of_a_job(cloud: Cloud) -> float:
    """From its record: one job whose provider is still at it four times, so that the fifth poll finds the song."""
    cloud.fault("aimlapi", "status_word:generating", "poll", "*", times=POLLS - 1)
    submitted = cloud.submit(request("the same song each time", model="aimlapi/minimax/music-2.0"))
    # A client that keeps asking would take its share of the two cores, and the record knows the times anyway.
    time.sleep(LOOK_AFTER_S)
    job = cloud.finished(submitted["id"])
    assert job["status"] == "succeeded", job["error"]
    return (datetime.fromisoformat(job["finished_at"]) - datetime.fromisoformat(job["created_at"])).total_seconds()


def seconds_of_a_read(cloud: Cloud, job_id: str) -> float:
    """One warm read of a job."""
    began = time.monotonic()
    cloud.job(job_id)
    return time.monotonic() - began


def main() -> None:
    """Print the figures."""
    for _ in range(STARTS - 1):
        with running_cloud(FLAGS):
            pass
    with running_cloud(FLAGS) as (cloud, ready):
        job_id = cloud.made(request("the job that is read"))["id"]
        jobs = [seconds_of_a_job(cloud) for _ in range(RUNS)][2:]
        reads = [seconds_of_a_read(cloud, job_id) for _ in range(20)]
    job, read = statistics.median(jobs), statistics.median(reads)
    print(f"ready on start {STARTS}: {ready:.2f} s")
    print(f"warm job with {POLLS} polls, median of {len(jobs)} after two others: {job:.3f} s")
    print(f"the same job at its fastest and slowest: {min(jobs):.3f} and {max(jobs):.3f} s")
    print(f"one read of a job: {read * 1000:.1f} ms; the job takes {job / read:.0f} times as long")


if __name__ == "__main__":
    main()
