"""Trouble after the purchase: of the songs that the providers really made, how many reached their customers.

Each order draws at most one fault of a free step (a poll, or the fetch of the file), with a probability of a fifth and
uniformly over all that the provider's simulator plays there; the fault comes one to three times.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx

from tests.integration.cloud_process import running_cloud
from tests.integration.song import TLS, Cloud
from tests.soak.bill_against_ledger import AT_ONCE, MODELS, Planned, Soak, arguments_of_the_cloud
from tests.soak.part import Found

JOBS: Final = 1000
SMOKE_JOBS: Final = 8
FAULTY: Final = 0.2
SMOKE_FAULTY: Final = 0.5
_FREE_STEPS: Final = ("poll", "file")
_ARGUMENTS: Final[Mapping[str, Sequence[str]]] = {
    "http:<n>": [f"http:{status}" for status in (401, 403, 404, 408, 409, 425, 429, 500, 502, 503)],
    "cut:<percent>": ["cut:10", "cut:50", "cut:99"],
    "hang:<s>": ["hang:1"],
    "slow:<bytes_per_s>": ["slow:200000"],
    "status_word:<word>": ["status_word:dreaming"],
}
# They lead to a host that is never called, whoever has the song.
_LEADS_ELSEWHERE: Final = frozenset({"redirect:<url>", "link:<url>"})
# A dead link costs no song where the task can be asked for another one.
_CANNOT_RENEW: Final = frozenset({"minimax", "skillboss"})
SONGS: Final = {"minimax": 1, "skillboss": 1, "apiinone": 2, "aimlapi": 1}
"""How many songs an order of each provider makes."""


@dataclass(frozen=True)
class Trouble:
    """A fault of a free step, and how often it comes."""

    fault: str
    step: str
    times: int


def _troubles(line: Mapping[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Per provider every fault of a free step that its simulator plays, with its step."""
    found: dict[str, list[tuple[str, str]]] = {}
    for provider in MODELS:
        rows = httpx.get(f"{line['simulators'][provider]}/_sim/faults", verify=TLS).raise_for_status().json()["faults"]
        found[provider] = [
            (fault, step)
            for row in rows
            if row["name"] not in _LEADS_ELSEWHERE
            if row["name"] != "link_expired" or provider not in _CANNOT_RENEW
            for step in _FREE_STEPS
            if step in row["on"]
            for fault in _ARGUMENTS.get(row["name"], [row["name"]])
            if "<" not in fault
        ]
    return found


def _planned(
    jobs: int, faulty: float, seed: int, troubles: Mapping[str, Sequence[tuple[str, str]]]
) -> list[tuple[Planned, Trouble | None]]:
    chance = random.Random(seed)
    plans: list[tuple[Planned, Trouble | None]] = []
    for number in range(jobs):
        provider = chance.choice(sorted(MODELS))
        drawn, times = chance.random() < faulty and troubles[provider], chance.randint(1, 3)
        trouble = Trouble(*chance.choice(list(drawn)), times) if drawn else None
        plans.append((Planned(number, provider, None, "yes"), trouble))
    return plans


def _played(soak: Soak, plan: Planned, trouble: Trouble | None, until: float) -> tuple[int, str] | None:
    """How many songs were delivered, and what stood in their way; None where there was no time to begin the job."""
    if time.monotonic() >= until:
        return None
    if trouble is not None:
        order = {"fault": trouble.fault, "on": trouble.step, "match": plan.prompt, "times": trouble.times}
        simulator = soak.cloud.line["simulators"][plan.provider]
        httpx.post(f"{simulator}/_sim/faults", json=order, verify=TLS).raise_for_status()
    job = soak.made(plan)
    return len(job["tracks"]), f"{plan.provider} {trouble.step} {trouble.fault}" if trouble else "no trouble"


def soak(*, smoke: bool, seed: int, until: float) -> Iterator[Found]:
    """A thousand jobs, eight in a smoke test; those not begun at `until` (monotonic seconds) are left out."""
    with TemporaryDirectory() as scratch, running_cloud(arguments_of_the_cloud(), Path(scratch)) as line:
        tenant = Soak.on(Cloud(line))
        jobs, faulty = (SMOKE_JOBS, SMOKE_FAULTY) if smoke else (JOBS, FAULTY)
        plans = _planned(jobs, faulty, seed, _troubles(line))
        with ThreadPoolExecutor(AT_ONCE) as clients:
            ends = list(clients.map(lambda each: _played(tenant, each[0], each[1], until), plans))
        charged = tenant.charged()
    done = [(plan, *end) for (plan, _), end in zip(plans, ends, strict=True) if end is not None]
    made = [(plan, delivered, trouble) for plan, delivered, trouble in done if charged[plan.sha256]]
    songs = sum(SONGS[plan.provider] for plan, _, _ in made)
    reached = sum(delivered for _, delivered, _ in made)
    lost = [
        f"{trouble}: {delivered} of {SONGS[plan.provider]} songs"
        for plan, delivered, trouble in made
        if delivered < SONGS[plan.provider]
    ]
    met = Counter(trouble for _, _, trouble in done if trouble != "no trouble")
    share = 100 * reached / songs if songs else 0
    yield Found(
        f"{len(done)} jobs, {len(plans) - len(done)} left out for want of time; {met.total()} met one of {len(met)} "
        f"troubles of a free step; of {songs} songs that providers made {share:.1f} % reached their customers",
        tuple(f"lost although it could be fetched: {each}" for each in lost) if made else ("no song was made",),
    )
