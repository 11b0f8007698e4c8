"""A cloud in a checkout of its own that is started again and again, a provider that outlives it, and a shop that orders
from it and receives its webhooks.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import anyio
import httpx
from mcp import Client, StdioServerParameters

from fermata_client import Fermata
from local.demo.playback import DURATION_TOLERANCE_MS, decoded_duration_ms
from local.simulators.http.server import HttpServer
from local.simulators.running import build_simulator
from tests.fakes.client.agent import Agent
from tests.functions import ROOT
from tests.integration.cloud_process import CloudProcess, cloud_process, until
from tests.integration.cloud_process import testing_parameters as fast_parameters
from tests.integration.song import LYRICS, TERMINAL, TLS, Cloud
from tests.integration.webhook_receiver import Receiver, receiving
from tests.support.checkout import copy_checkout, save

OUTLIVING: Final = "aimlapi/minimax/music-2.0"
"""A model of the provider that outlives the cloud."""
HELD: Final = "apiinone/minimax-music"
"""A model of a provider that ends with the cloud; its task is done once the posted fault is forgotten."""
AT_ONCE: Final = "minimax/music-2.5"
MODELS: Final = (AT_ONCE, "skillboss/music-2.5", HELD, OUTLIVING)
_WAITING: Final = {"WaitForProvider", "WaitForCallback"}
"""Whoever waits in them has bought a song."""
_SHOP: Final = "shop"
_CREDITS: Final = 5_000
_LATENCY_S: Final = 0.1
_KEY: Final = "a-key-of-the-provider"
_PATIENT: Final = (
    *("GenerationTimeoutSeconds=900", "StartBySeconds=300", "CallbackTimeoutSeconds=15"),
    *("ConnectTimeoutSeconds=20", "WebhookTimeoutSeconds=30"),
)
"""A restart may take longer than songs of the fast set, and a slow machine is no reason to do anything twice."""


class StoppableClock:
    """A clock that a test stops, so that it need not be faster than the provider."""

    def __init__(self) -> None:
        self._stopped_at: float | None = None

    def __call__(self) -> float:
        return time.monotonic() if self._stopped_at is None else self._stopped_at

    def stop(self) -> None:
        """No task makes progress from now on."""
        self._stopped_at = time.monotonic()

    def go_on(self) -> None:
        """All that was ordered meanwhile is as far as if the clock had never stopped."""
        self._stopped_at = None


@contextmanager
def _provider(clock: StoppableClock) -> Iterator[str]:
    """A provider in the process of the test, which no signal to the cloud reaches."""
    server = HttpServer(0, None)
    simulator = build_simulator(
        "aimlapi", key=_KEY, latency_s=_LATENCY_S, origin=server.url, clock=clock, log=server.log
    )
    server.start(simulator.respond)
    try:
        yield server.url
    finally:
        simulator.stop()
        server.stop()


@dataclass
class Week:
    """What a week began with, and what was ordered: the prompt of each job."""

    scratch: Path
    checkout: Path
    provider: str
    clock: StoppableClock
    receiver: Receiver
    api_key: str = ""
    secret: str = ""
    ordered: dict[str, str] = field(default_factory=dict)
    starts: int = 0

    @contextmanager
    def started(self, *parameters: str) -> Iterator[tuple[Cloud, CloudProcess]]:
        """The cloud as the shop sees it, and its process."""
        self.starts += 1
        chosen = [part for value in (*_PATIENT, *parameters) for part in ("--param", value)]
        arguments = [
            *("--state-dir", str(self.scratch / "state"), "--reload", "--provider-latency", str(_LATENCY_S)),
            *("--provider", f"aimlapi={self.provider}", "--provider-key", f"aimlapi={_KEY}"),
            *fast_parameters(),
            *chosen,
        ]
        if self.starts == 1:
            arguments += ["--port", "0"]
        with cloud_process(arguments, self.scratch / str(self.starts), project=self.checkout) as process:
            cloud = Cloud(process.line())
            yield Cloud({**cloud.line, "owner": cloud.line["api_key"], "api_key": self.api_key}), process

    def opens(self, cloud: Cloud) -> Cloud:
        """The cloud with the key that the operator gave the shop, which has credits and a webhook from now on."""
        cloud.admin("create-tenant", _SHOP).done()
        cloud.admin("grant", _SHOP, _CREDITS).done()
        self.api_key = cloud.admin("issue-key", _SHOP).done()["api_key"]
        self.secret = cloud.admin("set-webhook", _SHOP, f"{self.receiver.origin}/shop").done()["secret"]
        return Cloud({**cloud.line, "api_key": self.api_key})

    def order(self, cloud: Cloud, prompt: str, model: str, **more: object) -> str:
        """Order a song and return its job."""
        job_id = str(cloud.submit({"model": model, "prompt": prompt, "lyrics": LYRICS, **more})["id"])
        self.ordered[job_id] = prompt
        return job_id

    def under_way(self, cloud: Cloud, what: str) -> list[str]:
        """Order three songs that stay unfinished until the cloud ends, and return their jobs once each is bought."""
        self.clock.stop()
        cloud.fault("apiinone", "status_word:IN_PROGRESS", "poll", what, times=1_000_000)
        models = (OUTLIVING, OUTLIVING, HELD)
        jobs = [self.order(cloud, f"{what} {number}", model) for number, model in enumerate(models)]
        until(lambda: all(_WAITING & {*cloud.states_so_far(job_id)} for job_id in jobs), "songs are bought")
        assert not {cloud.job(job_id)["status"] for job_id in jobs} & {*TERMINAL}
        return jobs

    def delivered(self, cloud: Cloud, jobs: Iterable[str]) -> None:
        """Wait until the end of each job was posted to the shop and the post is on record."""

        def is_on_record(job_id: str) -> bool:
            with cloud.http() as http:
                listed = http.get(f"/v1/jobs/{job_id}/webhooks").raise_for_status().json()["data"]
            return any(attempt["outcome"] == "delivered" for attempt in listed)

        until(lambda: all(map(is_on_record, jobs)), "the webhooks are delivered")

    def environment(self, cloud: Cloud) -> dict[str, str]:
        """What a program of the shop finds."""
        return {**os.environ, "FERMATA_API_KEY": self.api_key, "FERMATA_BASE_URL": cloud.line["api_url"]}

    def save(self, path: str, text: str) -> None:
        """Save a source of the checkout."""
        save(self.checkout / path, text)

    def text(self, path: str) -> str:
        """A source of the checkout as it is."""
        return (self.checkout / path).read_text("utf-8")


@contextmanager
def a_week(scratch: Path) -> Iterator[Week]:
    """A week whose cloud has not been started."""
    clock = StoppableClock()
    with _provider(clock) as provider, receiving() as receiver:
        yield Week(scratch, copy_checkout(scratch / "checkout"), provider, clock, receiver)


def plays(job: dict[str, Any]) -> str:
    """Fetch the song of a job from the link in it, play it, and return its SHA-256."""
    [track] = job["tracks"]
    content = httpx.get(track["url"], follow_redirects=True, timeout=60, verify=TLS).raise_for_status().content
    assert sha256(content).hexdigest() == track["sha256"]
    assert abs(decoded_duration_ms(content) - track["duration_ms"]) <= DURATION_TOLERANCE_MS
    return str(track["sha256"])


def all_succeeded(cloud: Cloud, jobs: Iterable[str]) -> None:
    """Wait for the end of each job, and find it delivered, paid, and a song that plays."""
    for job_id in jobs:
        job = cloud.finished(job_id)
        assert (job["status"], job["charged"]) == ("succeeded", "yes"), job
        plays(job)


def charged_prompts(cloud: Cloud, week: Week) -> list[str]:
    """The SHA-256 of the prompt of every order that a provider charged, in order of value."""
    urls = (week.provider, *cloud.line["simulators"].values())
    bills = [httpx.get(f"{url}/_sim/bill", timeout=60, verify=TLS).raise_for_status().json() for url in urls]
    return sorted(item["prompt_sha256"] for bill in bills for item in bill["items"] if item["charged"])


def order_by_client(week: Week, cloud: Cloud, prompt: str) -> None:
    """Order a song with the Python client, and save it."""
    with Fermata(week.api_key, cloud.line["api_url"]) as fermata:
        song = fermata.run(AT_ONCE, prompt=prompt, lyrics=LYRICS)
        assert song.tracks[0].save(week.scratch).stat().st_size > 1_000
    week.ordered[song.id] = prompt


def order_by_command(week: Week, cloud: Cloud, prompt: str) -> None:
    """Order a song with `fermata song`, and save it."""
    words = week.scratch / "words.txt"
    words.write_text(LYRICS, "utf-8")
    song = week.scratch / "song.mp3"
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "fermata_client.cli", "song", prompt, "--model", AT_ONCE),
            *("--lyrics", str(words), "-o", str(song), "--json"),
        ],
        cwd=ROOT,
        env=week.environment(cloud),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert song.stat().st_size > 1_000
    week.ordered[json.loads(ended.stdout)["job"]["id"]] = prompt


def order_by_agent(week: Week, cloud: Cloud, prompt: str) -> None:
    """Order a song as an agent does that talks to `fermata mcp`."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "fermata_client.cli", "mcp", "--max-credits", "100"],
        env=week.environment(cloud),
        cwd=str(ROOT),
    )
    order = {"kind": "song", "model": AT_ONCE, "prompt": prompt, "lyrics": LYRICS}

    async def buy() -> str:
        async with Client(server, read_timeout_seconds=240) as client:
            agent = Agent(client)
            quote = await agent.call("quote", order=order)
            bought = {"order": order, "quote_id": quote["quote_id"], "confirm_credits": quote["credits"]}
            job_id = (await agent.call("order_song", **bought))["job_id"]
            assert (await agent.call("order_song", **bought))["job_id"] == job_id
            assert (await agent.call("get_job", job_id=job_id, wait_s=200))["status"] == "succeeded"
            return str(job_id)

    week.ordered[anyio.run(buy)] = prompt


def interrupted(process: CloudProcess) -> int:
    """Press Ctrl-C and return the exit code."""
    return process.stop(signal.SIGINT)
