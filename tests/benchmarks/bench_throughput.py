"""How many jobs the one-machine cloud ends in a second, and how much memory each one leaves behind.

Run with `make bench`. All jobs are ordered at once, their providers take no time, and each needs about five polls.
Prints figures; asserts nothing about time or memory.
"""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from http import HTTPStatus
from pathlib import Path

from tests.benchmarks.bench_job import PRIORS, running_cloud
from tests.benchmarks.sizes import sized
from tests.integration.song import Cloud, request

FLAGS = [
    "--provider-latency",
    "0",
    "--time-scale",
    "1000",
    "--param",
    f"ModelLatencyPriors={PRIORS}",
    *("--param", "AimlapiRpm=60000", "--param", "AimlapiConcurrency=50", "--param", "AimlapiDailyBudgetUsd=0"),
    *("--param", "StartBySeconds=600"),
]
BODY = request("one of many songs", model="aimlapi/minimax/music-2.0")
ROUNDS = sized(3, 1)
JOBS = int(os.environ.get("JOBS", "0")) or sized(100, 5)
CLIENTS = 4
POLLS = 5
_LOOK_EVERY_S = 1.0


def seconds_of_jobs(cloud: Cloud, number: int) -> float:
    """From the first order's acceptance to the last one's end, by the jobs' own records."""
    cloud.fault("aimlapi", "status_word:generating", "poll", "*", times=number * (POLLS - 1))
    with ThreadPoolExecutor(CLIENTS) as pool:
        ids = list(pool.map(lambda _: _accepted(cloud), range(number)))
    jobs = [_ended(cloud, job_id) for job_id in ids]
    assert {job["status"] for job in jobs} == {"succeeded"}
    begun, ended = ([datetime.fromisoformat(str(job[name])) for job in jobs] for name in ("created_at", "finished_at"))
    return (max(ended) - min(begun)).total_seconds()


def _accepted(cloud: Cloud) -> str:
    """Order as a client does that waits as long as a busy cloud says."""
    with cloud.http() as http:
        while (answer := http.post("/v1/jobs", json=BODY)).status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            time.sleep(float(answer.headers.get("Retry-After", _LOOK_EVERY_S)))
    assert answer.status_code == HTTPStatus.ACCEPTED, answer.text
    return str(answer.json()["id"])


def _ended(cloud: Cloud, job_id: str) -> dict[str, object]:
    # Looks take a share of the two cores, so there are few.
    while not (job := cloud.job(job_id)).get("finished_at"):
        time.sleep(_LOOK_EVERY_S)
    return job


def seconds_of_processor(pids: Sequence[int]) -> float:
    """Return the processor time of processes and of their children that have ended."""
    fields = [Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split() for pid in pids]
    return sum(sum(map(int, each[11:15])) for each in fields) / os.sysconf("SC_CLK_TCK")


def megabytes(pid: int) -> float:
    """Return the memory of a process that is not shared with a file, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) / 1000


def main() -> None:
    """Print the figures."""
    with running_cloud(FLAGS) as (cloud, _):
        pid = cloud.line["pid"]
        seconds_of_jobs(cloud, sized(20, 2))
        for _ in range(ROUNDS):
            processor, memory = seconds_of_processor([pid]), megabytes(pid)
            seconds = seconds_of_jobs(cloud, JOBS)
            used = (seconds_of_processor([pid]) - processor) / JOBS
            print(
                f"{JOBS} jobs of {POLLS} polls in {seconds:.1f} s, {JOBS / seconds:.1f} a second, "
                f"{used:.3f} s of the cloud's own processor time each; "
                f"its memory {memory:.0f} to {megabytes(pid):.0f} MB, {(megabytes(pid) - memory) / JOBS:.2f} MB a job",
                flush=True,
            )


if __name__ == "__main__":
    main()
