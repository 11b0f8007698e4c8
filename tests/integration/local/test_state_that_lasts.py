"""A cloud that is killed, or stopped, while songs are made: every one of them ends, once, and is billed once."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from cli.run_schedule import run_schedule
from tests.integration.cloud_process import (
    PROJECT_ROOT,
    CloudProcess,
    cloud_process,
    is_alive,
    until,
)
from tests.integration.cloud_process import testing_parameters as fast_parameters
from tests.integration.song import LYRICS, TERMINAL, Cloud

WAITING: Final = {"WaitForProvider", "WaitForCallback"}
"""Whoever waits in them has bought a song."""
LATENCY_S: Final = "25"
KEY: Final = "a-key-of-the-provider"
SAME: Final = ("api_url", "aws_endpoint_url", "api_key", "secret_access_key", "outputs", "simulators", "tenant")
PATIENT: Final = ("GenerationTimeoutSeconds=900", "StartBySeconds=300", "StartTimeoutSeconds=60", "ReadGapSeconds=40")
"""A restart takes longer than the songs of the fast set may take."""


@contextmanager
def provider_that_outlives_the_cloud() -> Iterator[str]:
    """Run a provider in a process of its own and yield its address."""
    command = [sys.executable, "-m", "local.simulators", "aimlapi", "--key", KEY, "--latency", LATENCY_S]
    process = subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


@dataclass
class Lasting:
    """A cloud in one directory, started as often as a test wants."""

    scratch: Path
    provider: str
    starts: int = 0

    @contextmanager
    def started(self, *more: str) -> Iterator[tuple[Cloud, CloudProcess]]:
        self.starts += 1
        parameters = [part for value in PATIENT for part in ("--param", value)]
        arguments = [
            *(
                "--state-dir",
                str(self.scratch / "state"),
                "--provider-latency",
                "6",
                *fast_parameters(),
                *parameters,
            ),
            *("--provider", f"aimlapi={self.provider}", "--provider-key", f"aimlapi={KEY}", *more),
        ]
        with cloud_process(arguments, self.scratch / str(self.starts)) as process:
            yield Cloud(process.line()), process


@pytest.fixture
def lasting(tmp_path: Path) -> Iterator[Lasting]:
    with provider_that_outlives_the_cloud() as url:
        yield Lasting(tmp_path, url)


def under_way(cloud: Cloud, name: str) -> dict[str, str]:
    """Order two songs of the provider that outlives the cloud and one of a provider that does not, and return each
    prompt by its job, once each has been bought.
    """
    orders = {f"{name} {number}": "aimlapi/minimax/music-2.0" for number in (1, 2)}
    orders[f"{name} 3"] = "apiinone/minimax-music"
    jobs = {
        cloud.submit({"model": model, "prompt": words, "lyrics": LYRICS})["id"]: words
        for words, model in orders.items()
    }
    until(lambda: all(WAITING & {*cloud.states_so_far(job_id)} for job_id in jobs), "songs are bought")
    assert not {cloud.job(job_id)["status"] for job_id in jobs} & {*TERMINAL}
    return jobs


def on_the_wire(cloud: Cloud) -> str:
    """Order a song whose paid request is not answered for minutes, and return its job once the request is sent."""
    body = {"model": "minimax/music-2.5", "prompt": "[[fault:hang:600]] on the wire", "lyrics": LYRICS}
    job_id = str(cloud.submit(body)["id"])
    cloud.until(lambda: bill(cloud.line["simulators"]["minimax"])["posts"])
    return job_id


def bill(url: str) -> dict[str, Any]:
    return dict(httpx.get(f"{url}/_sim/bill", timeout=60).raise_for_status().json())


def song(job: dict[str, Any]) -> str:
    [track] = job["tracks"]
    content = httpx.get(track["url"], follow_redirects=True, timeout=60).raise_for_status().content
    assert sha256(content).hexdigest() == track["sha256"]
    return str(track["sha256"])


def account(cloud: Cloud) -> dict[str, int]:
    with cloud.http() as http:
        return dict(http.get("/v1/account").raise_for_status().json())


def all_succeeded(cloud: Cloud, jobs: dict[str, str]) -> int:
    """Return what the songs cost, once all have ended well."""
    ended = [cloud.finished(job_id) for job_id in jobs]
    assert [(job["status"], job["charged"], job["attempt_count"]) for job in ended] == [("succeeded", "yes", 1)] * len(
        jobs
    )
    for job in ended:
        song(job)
    return sum(int(job["price_credits"]) for job in ended)


def posts(cloud: Cloud, lasting: Lasting, words: str) -> int:
    """Return how often a prompt was bought, anywhere."""
    digest = sha256(words.encode()).hexdigest()
    bills = [bill(url) for url in (lasting.provider, *cloud.line["simulators"].values())]
    return sum(item["prompt_sha256"] == digest and item["charged"] for each in bills for item in each["items"])


def test_songs_that_are_made_when_the_cloud_ends_are_finished_once_and_billed_once(lasting: Lasting) -> None:
    with lasting.started("--port", "0") as (cloud, process):
        first = cloud.line
        before = cloud.made({"model": "skillboss/music-2.5", "prompt": "a song before", "lyrics": LYRICS})
        assert before["status"] == "succeeded", before["error"]
        killed, lost = under_way(cloud, "a song when it was killed"), on_the_wire(cloud)
        children = process.children()
        process.stop(signal.SIGKILL)
    until(lambda: not any(map(is_alive, children)), "no child outlives the cloud")
    with lasting.started() as (cloud, process):
        assert {name: cloud.line[name] for name in SAME} == {name: first[name] for name in SAME}
        assert song(cloud.job(before["id"])) == before["tracks"][0]["sha256"]
        spent = int(before["price_credits"]) + all_succeeded(cloud, killed)
        unknown = cloud.finished(lost)
        assert (unknown["status"], unknown["error"]["class"]) == ("failed", "unknown_outcome")
        run_schedule("reap_jobs", lasting.scratch / "state")
        stopped = under_way(cloud, "a song when it was stopped")
        with cloud_process(
            ["--port", "0", "--state-dir", str(lasting.scratch / "state")], lasting.scratch / "second"
        ) as second:
            assert second.process.wait(60) == 3
            assert f"belongs to the cloud with pid {cloud.line['pid']}" in second.stderr()
        assert process.stop() == 0, process.stderr()
    with lasting.started() as (cloud, process):
        spent += all_succeeded(cloud, stopped)
        for words in ("a song before", *killed.values(), *stopped.values()):
            assert posts(cloud, lasting, words) == 1, words
        assert bill(cloud.line["simulators"]["minimax"])["posts"] == 1
        assert bill(lasting.provider)["posts"] == 4
        wallet = account(cloud)
        assert (wallet["spent_credits"], wallet["held_credits"], wallet["in_flight_jobs"]) == (spent, 0, 0)
        assert wallet["balance_credits"] == 100_000 - spent
        assert "Traceback" not in process.stderr()
        assert process.stop() == 0, process.stderr()
