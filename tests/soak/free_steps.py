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
from tests.integration.song import Cloud
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
# Neither comes from a provider that has the song: one points at a host that is never called, the other has no music.
_NO_SONG: Final = frozenset({"redirect:<url>", "link:<url>", "link_expired", "not_audio"})


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
        rows = httpx.get(f"{line['simulators'][provider]}/_sim/faults").raise_for_status().json()["faults"]
        found[provider] = [
            (fault, step)
            for row in rows
            if row["name"] not in _NO_SONG
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


def _played(soak: Soak, plan: Planned, trouble: Trouble | None, until: float) -> tuple[str, str] | None:
    """What the job ended as, and what stood in its way; None where there was no time to begin it."""
    if time.monotonic() >= until:
        return None
    if trouble is not None:
        order = {"fault": trouble.fault, "on": trouble.step, "match": plan.prompt, "times": trouble.times}
        simulator = soak.cloud.line["simulators"][plan.provider]
        httpx.post(f"{simulator}/_sim/faults", json=order).raise_for_status()
    job = soak.made(plan)
    return str(job["status"]), f"{plan.provider} {trouble.step} {trouble.fault}" if trouble else "no trouble"


def soak(*, smoke: bool, seed: int, until: float) -> Iterator[Found]:
    """A thousand jobs, eight in a smoke test; those not begun at `until` (monotonic seconds) are left out."""
    with TemporaryDirectory() as scratch, running_cloud(arguments_of_the_cloud(), Path(scratch)) as line:
        tenant = Soak.on(Cloud(line))
        jobs, faulty = (SMOKE_JOBS, SMOKE_FAULTY) if smoke else (JOBS, FAULTY)
        plans = _planned(jobs, faulty, seed, _troubles(line))
        with ThreadPoolExecutor(AT_ONCE) as clients:
            ends = list(clients.map(lambda each: _played(tenant, each[0], each[1], until), plans))
        charged = tenant.charged()
    done = [(plan, end) for (plan, _), end in zip(plans, ends, strict=True) if end is not None]
    made = [(plan, end) for plan, end in done if charged[plan.sha256]]
    lost = [f"{trouble}: {status}" for _, (status, trouble) in made if status != "succeeded"]
    met = Counter(trouble for _, (_, trouble) in done if trouble != "no trouble")
    share = 100 * (len(made) - len(lost)) / len(made) if made else 0
    yield Found(
        f"{len(done)} jobs, {len(plans) - len(done)} left out for want of time; {met.total()} met one of {len(met)} "
        f"troubles of a free step; of {len(made)} songs that providers made {share:.1f} % reached their customers",
        tuple(f"lost although it could be fetched: {each}" for each in lost) if made else ("no song was made",),
    )
