"""At how many jobs a second each item that jobs share throttles or conflicts. Prints a table; asserts nothing.

Run with `python -m tests.benchmarks.bench_contention`. The writes are those that the stores really send for whole jobs
from order to end, recorded in front of moto. What DynamoDB makes of them is computed from its documented rules: 1,000
units of writing a second for each partition key, two units for each begun KB in a transaction, and a canceled
transaction wherever another one is under way on one of its items. How long a transaction is under way AWS does not say;
`LOCK_S` assumes it. Conflicting transactions are repeated as `DynamoTransactions` repeats them. Nothing here depends on
the machine.
"""

import heapq
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from moto import mock_aws

from fermata.adapters.dynamodb.transactions import PATIENCE_S
from fermata.domain.money.movement import grant_of
from fermata.domain.money.wallet import Plan, empty_wallet
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.tenants.plan_limits import PlanLimits
from local.emulator.dynamodb.transactions import remember_only_what_a_transaction_touches
from tests.benchmarks.sizes import sized
from tests.fakes.clock import NOON
from tests.fakes.money.ledger import Ledger, ledger_in_dynamodb
from tests.fakes.money.orders import receipt
from tests.songs import claimed_attempt, queued_job, ready_job, stored_track
from tests.support.cloud import dynamodb_with_table

LOCK_S: Final = 0.01
"""How long a transaction is under way on its items: an assumption, as AWS names no figure."""
JOBS: Final = sized(256, 8)
TENANTS: Final = sized(64, 4)
BUDGET_MICRO_USD: Final = 10**12
COST_MICRO_USD: Final = 100_000
UNITS_A_SECOND: Final = 1000
RATES: Final = (10, 20, 30, 40, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000)
SIMULATED_S: Final = sized(10, 1)
LOST: Final = 0.001
"""The share of jobs that may lose a transaction to conflicts at a rate that an item bears."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 0.4

Key = tuple[str, str]


@dataclass
class Recorded:
    """The items that each transaction of each job wrote, in their order."""

    jobs: list[list[tuple[Key, ...]]] = field(default_factory=list)
    units_of: Counter[str] = field(default_factory=Counter)
    """Units of writing by partition key, of the table and, with the index before them, of its indexes."""
    listed: dict[tuple[str, Key], str] = field(default_factory=dict)

    def note(self, params: dict[str, Any], **_: object) -> None:
        """Remember a transaction that is about to be sent."""
        parts = [next(iter(part.values())) for part in params["TransactItems"]]
        keys = tuple(_key(part.get("Item") or part["Key"]) for part in parts)
        self.jobs[-1].append(keys)
        for part, (partition, _sort_key) in zip(parts, keys, strict=True):
            self.units_of[partition] += 2 * _begun_kb(part.get("Item", {}))
            self._note_indexes(part.get("Item", {}))

    def _note_indexes(self, item: dict[str, Any]) -> None:
        for index, partition, seen in (("ByCheckAt", "check_shard", "check_at"), ("ByTenant", "listing", "status")):
            if partition not in item:
                continue
            entry, now = (index, _key(item)), f"{item[partition]}{item.get(seen)}"
            if self.listed.get(entry) != now:
                moved = entry in self.listed and seen == "check_at"
                self.units_of[f"{index} {item[partition]['S']}"] += 2 if moved else 1
                self.listed[entry] = now


def recorded(tenants: int) -> Recorded:
    """The writes of whole jobs with one provider, of so many tenants in turn."""
    recording = Recorded()
    remember_only_what_a_transaction_touches()
    with mock_aws():
        client = dynamodb_with_table()
        ledger = ledger_in_dynamodb(client)
        for number in range(tenants):
            _open(ledger, f"tenant-{number}")
        # The first job of a day counts its budget, which no other one has to.
        _whole_job(ledger, JOBS, "tenant-0")
        client.meta.events.register("provide-client-params.dynamodb.TransactWriteItems", recording.note)
        for number in range(JOBS):
            recording.jobs.append([])
            _whole_job(ledger, number, f"tenant-{number % tenants}")
    return recording


def _open(ledger: Ledger, tenant_id: str) -> None:
    ledger.wallets.open(empty_wallet(tenant_id, NOON))
    ledger.wallets.grant(grant_of(tenant_id, 10**9, "0000-grant", NOON))
    plenty = PlanLimits(submits_per_minute=10**6, concurrent_jobs=10**6)
    ledger.wallets.set_plan(tenant_id, Plan.PREPAID, None, plenty)


def _whole_job(ledger: Ledger, number: int, tenant_id: str) -> None:
    at = NOON + timedelta(milliseconds=number)
    job = queued_job(id=new_job_id(at, number.to_bytes(10)), now=at, tenant_id=tenant_id)
    ledger.jobs.create(job, receipt(f"key {number}", job.id, at, tenant_id))
    claimed = job.claimed(claimed_attempt(cost_micro_usd=COST_MICRO_USD), at)
    ledger.jobs.claim(claimed, BUDGET_MICRO_USD)
    ready = claimed.with_outcome(ready_job().attempts[0], at)
    ledger.jobs.save(ready)
    stored = ready.with_tracks((stored_track(),), at)
    ledger.jobs.save(stored)
    ended = stored.settled(None, at)
    ledger.jobs.settle(ended)
    ledger.jobs.save(ended.published())


def borne(jobs: Sequence[Sequence[tuple[Key, ...]]], shared: frozenset[Key]) -> int:
    """The highest of `RATES` at which these items lose no more than `LOST` of the jobs to conflicts."""
    best = 0
    for rate in RATES:
        if _lost(jobs, shared, rate) > LOST:
            break
        best = rate
    return best


def _lost(jobs: Sequence[Sequence[tuple[Key, ...]]], shared: frozenset[Key], rate: int) -> float:
    chance = random.Random(rate)
    under_way: defaultdict[Key, float] = defaultdict(float)
    tries = list(_first_tries(jobs, shared, rate, chance))
    heapq.heapify(tries)
    lost: set[int] = set()
    while tries and len(lost) <= LOST * rate * SIMULATED_S:
        at, job, began, tried, keys = heapq.heappop(tries)
        if all(under_way[key] <= at for key in keys):
            under_way.update(dict.fromkeys(keys, at + LOCK_S))
            continue
        again = at + chance.uniform(0, min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(tried, 10)))
        if again > began + PATIENCE_S:
            lost.add(job)
        else:
            heapq.heappush(tries, (again, job, began, tried + 1, keys))
    return len(lost) / (rate * SIMULATED_S)


def _first_tries(
    jobs: Sequence[Sequence[tuple[Key, ...]]], shared: frozenset[Key], rate: int, chance: random.Random
) -> Iterator[tuple[float, int, float, int, tuple[Key, ...]]]:
    """When each transaction on a shared item is tried first: jobs come at random, their steps a second apart."""
    at = 0.0
    for job in range(rate * SIMULATED_S):
        at += chance.expovariate(rate)
        for step, keys in enumerate(jobs[job % len(jobs)]):
            contended = tuple(key for key in keys if key in shared)
            if contended:
                yield at + step, job, at + step, 0, contended


def table(recording: Recorded) -> Iterator[str]:
    """The lines of the table: items by the rate that conflicts allow, partition keys by the rate of throttling."""
    writes = Counter(key for job in recording.jobs for keys in job for key in keys)
    of_jobs = Counter(key for job in recording.jobs for key in {key for keys in job for key in keys})
    shared = frozenset(key for key, jobs in of_jobs.items() if jobs > 1)
    families: defaultdict[str, list[Key]] = defaultdict(list)
    for key in shared:
        families[_family(key)].append(key)
    yield f"{'item that jobs share':<44}{'items':>6}{'writes a job':>14}{'jobs/s by conflicts':>21}"
    for family, keys in sorted(families.items()):
        each = sum(writes[key] for key in keys) / JOBS
        yield f"{family:<44}{len(keys):>6}{each:>14.2f}{borne(recording.jobs, frozenset(keys)):>21}"
    yield f"{'all of them together':<64}{borne(recording.jobs, shared):>21}"
    yield f"{'partition key that jobs share':<44}{'units a job':>20}{'jobs/s by throttling':>21}"
    for partition, units in sorted(recording.units_of.items()):
        if units >= JOBS:
            yield f"{partition:<44}{units / JOBS:>20.2f}{UNITS_A_SECOND * JOBS / units:>21.0f}"


def _family(key: Key) -> str:
    """The name of an item without the number of its shard and of its tenant."""
    return re.sub(r"#\d+\b|(?<=tenant)-\d+", "", " ".join(key))


def _key(item: dict[str, Any]) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


def _begun_kb(item: dict[str, Any]) -> int:
    """The begun KB of an item as DynamoDB counts them, roughly: names and values as text."""
    return 1 + sum(len(name) + len(str(*value.values())) for name, value in item.items()) // 1024


def main() -> None:
    """Print the tables."""
    print(f"assumed: a transaction is under way for {LOCK_S * 1000:g} ms")
    for name, tenants in (("one tenant has all jobs", 1), (f"{TENANTS} tenants have as many jobs each", TENANTS)):
        print(f"-- {name}")
        print("\n".join(table(recorded(tenants))))


if __name__ == "__main__":
    main()
