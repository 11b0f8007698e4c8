"""Many jobs and many faults on the whole cloud: the providers' bills, attempt by attempt, against the records."""

import hashlib
import math
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

from local.demo_tenant import DEMO_LIMITS
from tests.integration.cloud_process import running_cloud
from tests.integration.song import TERMINAL, TLS, Cloud, request
from tests.soak.crowd import CLIENTS, SMOKE_CLIENTS, found_in_a_crowd
from tests.soak.part import Found
from tests.support.fact_sheet import fact_rows

MODELS: Final = {
    "minimax": "minimax/music-2.5",
    "skillboss": "skillboss/music-2.5",
    "apiinone": "apiinone/suno",
    "aimlapi": "aimlapi/minimax/music-2.0",
}
SPEAKERS: Final = {
    "minimax_speech": "minimax/speech-2.8-hd",
    "skillboss_speech": "skillboss/speech-2.8-hd",
    "aimlapi_speech": "aimlapi/minimax/speech-2.8-hd",
}
"""A model that speaks of each provider that has one."""
VOICE: Final = "English_Graceful_Lady"
FAULTY: Final = 0.2
AT_ONCE: Final = 4
CREDITS: Final = 900_000_000
PATIENT: Final = {"ReadGapSeconds": 40, "StartTimeoutSeconds": 90, "PostReserveSeconds": 10, "StartBySeconds": 600}
"""A busy machine must not add unknown outcomes of its own: what is late here is no fault of a provider."""

# These shut the operator's account, or the model, out for everybody; no job after them would be asked for.
_SHUTS_OUT: Final = frozenset({"code:2044", "code:2061", "code:2153"})
# Faults of the network and of files, which no provider's table names, and what an attempt must say after them.
_LOST: Final = ("reset_before_body", "cut:50")
_NOT_STORED: Final = {
    **dict.fromkeys(("minimax", "aimlapi", "minimax_speech"), ("not_audio",)),
    **dict.fromkeys(("skillboss", "skillboss_speech"), ("not_audio", "link_expired")),
}
# One dialect for songs and speech.
_TABLES: Final = {"skillboss_speech": "skillboss"}


@dataclass(frozen=True)
class Planned:
    """One job of a provider's songs (`minimax`) or speech (`minimax_speech`), the fault that each of its orders meets,
    and what each attempt must say of the bill.
    """

    number: int
    provider: str
    fault: str | None
    charged: str

    @property
    def prompt(self) -> str:
        tag = f"[[fault:{self.fault}]] " if self.fault else ""
        return f"{tag}song {self.number} of a soak"

    @property
    def body(self) -> dict[str, Any]:
        """The order of it. A provider's bill knows speech by its text as it knows a song by its prompt."""
        if self.provider in SPEAKERS:
            return {"model": SPEAKERS[self.provider], "text": self.prompt, "voice": VOICE}
        return request(self.prompt, model=MODELS[self.provider])

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.prompt.encode()).hexdigest()


def planned(jobs: int, seed: int) -> list[Planned]:
    """As many jobs, spread over the providers' songs and speech; every fifth or so meets a fault."""
    chance = random.Random(seed)
    faults = {provider: sorted(_known_faults(provider)) for provider in (*MODELS, *SPEAKERS)}
    return [_planned(number, chance, faults) for number in range(jobs)]


def _planned(number: int, chance: random.Random, faults: dict[str, list[tuple[str, str]]]) -> Planned:
    provider = chance.choice(sorted(faults))
    fault, charged = chance.choice(faults[provider]) if chance.random() < FAULTY else (None, "yes")
    return Planned(number, provider, fault, charged)


def _known_faults(provider: str) -> Iterator[tuple[str, str]]:
    yield from (
        (row.fault, row.charged)
        for row in fact_rows()
        if row.dialect == _TABLES.get(provider, provider) and row.fault not in _SHUTS_OUT
    )
    yield from ((fault, "unknown") for fault in _LOST)
    yield from ((fault, "yes") for fault in _NOT_STORED.get(provider, ()))


@dataclass
class Soak:
    """A cloud with a tenant of its own, and what is wrong with its books."""

    cloud: Cloud
    tenant_id: str
    api_key: str

    @classmethod
    def on(cls, cloud: Cloud, limits: Mapping[str, int] = DEMO_LIMITS) -> "Soak":
        """A new tenant, which no limit keeps from ordering unless the plan's own are asked for with `{}`."""
        tenant_id = f"soak-{time.time_ns()}"
        cloud.manage(action="create_tenant", tenant_id=tenant_id)
        cloud.manage(action="set_plan", tenant_id=tenant_id, plan="prepaid", **limits)
        cloud.manage(action="grant", tenant_id=tenant_id, credits=CREDITS)
        return cls(cloud, tenant_id, cloud.manage(action="issue_key", tenant_id=tenant_id)["api_key"])

    def play(self, plans: Sequence[Planned], until: float = math.inf) -> tuple[list[Planned], list[str]]:
        """The jobs that were begun before `until` (monotonic seconds), and what the books say that they must not after
        all of them have ended.
        """
        with ThreadPoolExecutor(AT_ONCE) as clients:
            ended = clients.map(lambda plan: self.made(plan) if time.monotonic() < until else None, plans)
            jobs = [(plan, job) for plan, job in zip(plans, ended, strict=True) if job is not None]
        bills = self._bills()
        found = [text for plan, job in jobs for text in self._wrong_with(plan, job, bills)]
        account = self._wrong_with_the_account([job for _, job in jobs])
        return [plan for plan, _ in jobs], [*found, *account, *self._left_behind()]

    def made(self, plan: Planned) -> dict[str, Any]:
        """The job of a plan once it has ended, with its attempts."""
        with self.cloud.http(self.api_key) as http:
            # The key makes it safe to send an order again that a busy machine did not answer.
            headers = {"Idempotency-Key": f"{self.tenant_id}-{plan.number}"}
            answers = (http.post("/v1/jobs", json=plan.body, headers=headers) for _ in range(20))
            job_id = next(answer for answer in answers if answer.status_code < 500).raise_for_status().json()["id"]
            job: dict[str, Any] = {}

            def has_ended() -> bool:
                job.update(http.get(f"/v1/jobs/{job_id}").raise_for_status().json())
                return job["status"] in TERMINAL

            self.cloud.until(has_ended, 300)
            job["attempts"] = http.get(f"/v1/jobs/{job_id}/attempts").raise_for_status().json()["data"]
        return job

    def charged(self) -> Counter[str]:
        """How many songs each prompt was billed, by its SHA-256."""
        return Counter(prompt for prompt, items in self._bills().items() for item in items if item["charged"])

    def _bills(self) -> dict[str, list[dict[str, Any]]]:
        bills: dict[str, list[dict[str, Any]]] = {}
        for address in self.cloud.line["simulators"].values():
            for item in httpx.get(f"{address}/_sim/bill", verify=TLS).raise_for_status().json()["items"]:
                bills.setdefault(item["prompt_sha256"], []).append(item)
        return bills

    def _wrong_with(self, plan: Planned, job: dict[str, Any], bills: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
        name = f"{job['id']} ({plan.provider}, {plan.fault or 'no fault'})"
        items = bills.get(plan.sha256, [])
        # Where no connection was made nothing was ordered, so the bill has no item.
        attempts = [each for each in job["attempts"] if each["raw_code"] != "no_connection"]
        if len(items) != len(attempts):
            yield f"{name}: {len(attempts)} attempts and {len(items)} items on the bill"
        for item, attempt in zip(items, attempts, strict=False):
            said = attempt["provider_charged"]
            if item["charged"] and said == "no":
                yield f"{name}: attempt {attempt['number']} was charged and says no"
            if said == "yes" and not item["charged"]:
                yield f"{name}: attempt {attempt['number']} says yes and was not charged"
            if said != plan.charged:
                yield f"{name}: attempt {attempt['number']} says {said}, the fact sheet {plan.charged}"
        delivered = job["status"] == "succeeded"
        if job["charged"] != ("yes" if delivered else "refunded") or bool(job["tracks"]) is not delivered:
            yield f"{name}: {job['status']}, charged {job['charged']}, {len(job['tracks'])} songs"
        if plan.fault is None and not delivered:
            yield f"{name}: {job['status']} without a fault: {job['error']}"

    def _wrong_with_the_account(self, jobs: Sequence[dict[str, Any]]) -> Iterator[str]:
        with self.cloud.http(self.api_key) as http:
            account = http.get("/v1/account").raise_for_status().json()
        spent = sum(job["spent_credits"] for job in jobs)
        books = account["balance_credits"], account["held_credits"], account["spent_credits"]
        if books != (CREDITS - spent, 0, spent):
            yield f"balance, held and spent are {books}; the songs that were delivered cost {spent}"

    def _left_behind(self) -> Iterator[str]:
        for status in ("queued", "submitting", "generating", "storing"):
            left = self.cloud.count(status)
            if left:
                yield f"{left} jobs are {status}"
        bucket = self.cloud.line["outputs"]["AudioBucketName"]
        uploads = self.cloud.aws("s3").list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        if uploads:
            yield f"{len(uploads)} unfinished uploads"


def arguments_of_the_cloud() -> list[str]:
    """What a cloud is started with, besides the fast parameters."""
    patient = [part for name, value in PATIENT.items() for part in ("--param", f"{name}={value}")]
    return ["--provider-latency", "0.1", *patient]


def soak(*, smoke: bool, seed: int, until: float) -> Iterator[Found]:
    """A crowd, and then a thousand jobs, eight in a smoke test; those not begun at `until` (monotonic seconds) are left
    out.
    """
    plans = planned(8 if smoke else 1000, seed)
    with TemporaryDirectory() as scratch, running_cloud(arguments_of_the_cloud(), Path(scratch)) as line:
        yield found_in_a_crowd(Soak.on(Cloud(line), limits={}), SMOKE_CLIENTS if smoke else CLIENTS)
        done, wrong = Soak.on(Cloud(line)).play(plans, until)
    said = Counter(plan.charged for plan in done if plan.fault)
    yield Found(
        f"{len(done)} jobs, {len(plans) - len(done)} left out for want of time; {said.total()} of them met one of "
        f"{len(faults_of(done))} faults and had to say {dict(said)}; {len(wrong)} times bill and ledger disagree",
        tuple(wrong) if done else ("no job was begun",),
    )


def faults_of(plans: Sequence[Planned]) -> set[tuple[str, str]]:
    """Which fault of which provider some jobs meet."""
    return {(plan.provider, plan.fault) for plan in plans if plan.fault}
