"""What one tenant can cost the operator in an hour, attack by attack, and whether anybody else is refused meanwhile.

Every attack is made of a number of requests, not of a time. First each runs alone, within its limit and beyond it, and
what AWS and the providers would ask for it is counted; then all run once more while another tenant orders and reads.
Sums of money are figures: only a refusal to the other tenant, or a song lost beyond the plan, breaks a promise.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Final

from fermata.domain.tenants.plan_limits import DEFAULT_LIMITS
from tests.benchmarks.cost.meter import Meter
from tests.benchmarks.cost.prices import HOURS_A_MONTH, STORED_GB_MONTH_USD, USD, Use
from tests.integration.cloud_process import running_cloud
from tests.integration.song import Cloud
from tests.integration.webhook_receiver import receiving
from tests.soak.attacks import HELD, HELD_PROVIDER, HOUR_S, Attack, Tenant, attacks
from tests.soak.lost_songs import KINDS, PER_DAY, Lost, lose
from tests.soak.part import Found

GOAL_USD: Final = 0.05
"""What a tenant without credit may cost in an hour."""
FLOOD: Final = 100
"""Requests a second at which a flood is priced: a hundredth of what API Gateway lets an account have by default."""
_AT_ONCE: Final = 10
"""Connections that come at the same moment."""
_UPLOAD_BYTES: Final = 50_000_000
_UPLOAD_DAYS: Final = 30


@dataclass(frozen=True)
class Sizes:
    """How many requests: metered within a limit and beyond it, then in the flood beside the other tenant's rounds,
    which `attacks` of them see. `losses` kinds of lost songs are looked at; connections wait `held_s` seconds while
    they are metered, and `waiting` of them for `wait_s` seconds beside the other tenant.
    """

    within: int
    beyond: int
    flood: int
    rounds: int
    attacks: slice
    losses: int
    held_s: int
    waiting: int
    wait_s: int


_WHOLE: Final = Sizes(
    within=40, beyond=20, flood=60, rounds=2, attacks=slice(None), losses=3, held_s=10, waiting=100, wait_s=25
)
_SMOKE: Final = Sizes(
    within=1, beyond=0, flood=3, rounds=1, attacks=slice(0, None, 5), losses=1, held_s=1, waiting=20, wait_s=6
)


@dataclass
class Victim:
    """Another tenant, who pays: what it was told, and the orders that it placed."""

    tenant: Tenant
    refused: list[str] = field(default_factory=list)
    rounds: int = 0
    jobs: list[str] = field(default_factory=list)

    def look_and_order(self, during: str) -> None:
        """Order a song, and look at the account and at the service's health."""
        self.rounds += 1
        order = self.tenant.order(f"of another {self.rounds}")
        answers = [order, *(self.tenant.http.get(path) for path in ("/v1/account", "/healthz"))]
        if order.is_success:
            self.jobs.append(order.json()["id"])
        self.refused += [
            f"{each.request.method} {each.request.url.path} was answered {each.status_code} to another tenant during: "
            f"{during}"
            for each in answers
            if not each.is_success
        ]

    def not_delivered(self) -> Iterator[str]:
        """The orders that did not become a song."""
        for job_id in self.jobs:
            job = self.tenant.ended(job_id)
            if job["status"] != "succeeded":
                yield f"the order {job_id} of another tenant ended as {job['status']}: {job['error']}"


@dataclass(frozen=True)
class Cost:
    """What an attack costs in an hour within the usual limits; None where no limit bounds it. Those with the same
    `bound` share it.
    """

    name: str
    bound: str
    usd: float | None
    paid: bool


def soak(*, smoke: bool, seed: int, until: float) -> Iterator[Found]:  # noqa: ARG001 (every part is called so)
    """Meter every attack, then have another tenant in between; nothing of it is left out."""
    sizes = _SMOKE if smoke else _WHOLE
    with TemporaryDirectory() as scratch, receiving() as receiver:
        trusted = ["--param", f"TrustedLocalOrigins={receiver.origin}", "--param", "AuthorizerTtlSeconds=60"]
        with running_cloud(["--provider-latency", "0.1", *trusted], Path(scratch)) as line:
            cloud = Cloud(line)
            cloud.manage(action="pause", provider=HELD_PROVIDER)
            all_attacks, meter, costs = attacks(cloud, receiver), Meter(cloud), list[Cost]()
            for attack in all_attacks:
                cost, found = _metered(attack, meter, sizes)
                costs.append(cost)
                yield found
            cost, found = _waiting_metered(cloud, meter, sizes)
            costs.append(cost)
            yield found
            for kind in KINDS[: sizes.losses]:
                meter.read()
                lost = lose(cloud, kind, smoke=smoke)
                cost, found = _of_lost_songs(lost, meter.read())
                costs.append(cost)
                yield found
            yield _beside_another_tenant(cloud, all_attacks[sizes.attacks], sizes)
    yield from _sums(costs)


def _metered(attack: Attack, meter: Meter, sizes: Sizes) -> tuple[Cost, Found]:
    meter.read()
    requests = min(sizes.within, attack.at_most)
    answers = Counter(attack.send(number) for number in range(requests))
    attack.settle()
    used = _used(attack, meter, requests)
    each_usd = used.usd / requests / attack.times
    an_hour_usd = None if attack.an_hour is None else each_usd * attack.an_hour
    bound = f"{attack.bound} lets {attack.an_hour:,.0f} an hour through" if attack.an_hour else "bound by no plan"
    told = (
        f"{attack.name}: answered {dict(answers)}, {_million(each_usd)} ({used.each(requests * attack.times)}); {bound}"
    )
    if an_hour_usd is not None:
        told += f": {an_hour_usd:.4f} USD an hour"
    if attack.bound == "references_per_day" and an_hour_usd is not None:
        stored_usd = _stored_usd()
        an_hour_usd += stored_usd
        told += f", and {stored_usd:.4f} where each is used and its 50 MB lie there for 30 days"
    return Cost(attack.name, attack.bound, an_hour_usd, attack.paid), Found(
        told + _beyond(attack, meter, sizes, each_usd)
    )


def _stored_usd() -> float:
    """USD an hour for all uploads of a month, each as large as may be and put once."""
    a_day = DEFAULT_LIMITS.references_per_day
    gigabytes = a_day * _UPLOAD_DAYS * _UPLOAD_BYTES / 1e9
    return gigabytes * STORED_GB_MONTH_USD / HOURS_A_MONTH + a_day * USD["S3 writes"] / 24


def _beyond(attack: Attack, meter: Meter, sizes: Sizes, each_usd: float) -> str:
    """What it costs where the limit refuses it; where nothing does, each costs what it did before."""
    if not attack.tight or attack.an_hour is None or not sizes.beyond:
        return "" if attack.an_hour else f"; {_flood(each_usd)}"
    attack.tenant.limit(**attack.tight)
    for number in range(attack.until_refused):
        attack.send(number)
    attack.settle()
    meter.read()
    answers = Counter(attack.send(number) for number in range(sizes.beyond))
    attack.settle()
    each_usd = _used(attack, meter, sizes.beyond).usd / sizes.beyond
    return f"; beyond it {dict(answers)}, {_flood(each_usd)}"


def _flood(each_usd: float) -> str:
    return f"{_million(each_usd)}, {each_usd * FLOOD * HOUR_S:.2f} USD an hour at {FLOOD} a second"


def _million(each_usd: float) -> str:
    return f"{each_usd * 1e6:.2f} USD a million"


def _used(attack: Attack, meter: Meter, requests: int) -> Use:
    used = meter.read()
    used.update({name: each * requests for name, each in attack.sent_as.items()})
    return used


def _open_order(cloud: Cloud) -> tuple[Tenant, str, Callable[[int], bool]]:
    """A tenant whose one order stays queued, its job, and a repetition of the order that waits so many seconds for the
    job's end: whether it was held.
    """
    tenant, key = Tenant(cloud, 1_000), {"Idempotency-Key": "waited-for"}
    job_id = tenant.order("waited for", key, model=HELD).raise_for_status().json()["id"]

    def wait(seconds: int) -> bool:
        answer = tenant.order("waited for", {**key, "Prefer": f"wait={seconds}"}, model=HELD)
        return answer.is_success and "preference-applied" in answer.headers

    return tenant, job_id, wait


def _waiting_metered(cloud: Cloud, meter: Meter, sizes: Sizes) -> tuple[Cost, Found]:
    limit: int | None = getattr(DEFAULT_LIMITS, "waiting_requests", None)
    tenant, job_id, wait = _open_order(cloud)
    meter.read()
    with ThreadPoolExecutor(limit or 5) as connections:
        held = sum(connections.map(wait, [sizes.held_s] * (limit or 5)))
    used = meter.read()
    used["requests"] += limit or 5
    tenant.http.post(f"/v1/jobs/{job_id}/cancel").raise_for_status()
    a_second_usd = used.usd / max(1, held) / sizes.held_s
    an_hour_usd = None if limit is None else a_second_usd * HOUR_S * limit
    bound = f"waiting_requests lets {limit} be held" if limit else "bound by nothing but the account's environments"
    told = (
        f"connections that wait: {held} held for {sizes.held_s} s, {a_second_usd * HOUR_S:.4f} USD for an hour of one; "
        f"{bound}"
    )
    if an_hour_usd is not None:
        told += f": {an_hour_usd:.4f} USD an hour"
    return Cost("connections that wait", "waiting_requests", an_hour_usd, paid=True), Found(told)


def _of_lost_songs(lost: Lost, used: Use) -> tuple[Cost, Found]:
    """What the day's lost songs cost, divided by 24; and a broken promise where more were lost than the plan allows."""
    used["requests"] += lost.orders
    aws_usd, is_bound = used.usd / lost.orders, lost.songs <= lost.allowed
    orders, often = (PER_DAY / 24, f"{PER_DAY} a day") if is_bound else (DEFAULT_LIMITS.submits_per_minute * 60, "all")
    an_hour_usd = (aws_usd + lost.song_usd) * orders
    told = (
        f"{lost.kind.name}: {lost.orders} orders answered {dict(lost.answers)}; {lost.songs} songs billed and not paid "
        f"where the plan allows {lost.allowed}; AWS {_million(aws_usd)}, a song {lost.song_usd:.3f} USD: "
        f"{often} are {an_hour_usd:.4f} USD an hour"
    )
    wrong = f"{lost.kind.name}: {lost.songs} songs were lost, the plan allows {lost.allowed} a day"
    broken = () if is_bound else (wrong,)
    return Cost(lost.kind.name, "lost_songs_per_day", an_hour_usd if is_bound else None, paid=True), Found(told, broken)


def _beside_another_tenant(cloud: Cloud, all_attacks: list[Attack], sizes: Sizes) -> Found:
    """Every attack once more; another tenant orders and reads while it goes on."""
    victim, sent = Victim(Tenant(cloud, 1_000_000)), 0
    for attack in all_attacks:
        with ThreadPoolExecutor(4) as attackers:
            requests = [
                attackers.submit(attack.send, 1_000 + number) for number in range(min(sizes.flood, attack.at_most))
            ]
            for _ in range(sizes.rounds):
                victim.look_and_order(attack.name)
            sent += sum(request.result() > 0 for request in requests)
    held = _beside_waiting(cloud, victim, sizes)
    not_delivered = list(victim.not_delivered())
    return Found(
        f"another tenant's orders and reads during {sent} requests of {len(all_attacks)} attacks and "
        f"{sizes.waiting} connections that wait ({held} held in the end): {3 * victim.rounds} sent, "
        f"{len(victim.refused)} refused, {len(victim.jobs)} songs ordered, {len(not_delivered)} not delivered",
        (*victim.refused, *not_delivered),
    )


def _beside_waiting(cloud: Cloud, victim: Victim, sizes: Sizes) -> int:
    """How many connections are held in the end; some come, then the other tenant, and so on. Whoever was held comes
    again. They do not come all in one instant: more requests at once than an account has environments find none,
    whatever they ask for.
    """
    tenant, job_id, wait = _open_order(cloud)
    is_over = Event()

    def come() -> None:
        while wait(sizes.wait_s) and not is_over.is_set():
            pass

    with ThreadPoolExecutor(sizes.waiting) as connections:
        waiting: list[Future[None]] = []
        while len(waiting) < sizes.waiting:
            waiting += [connections.submit(come) for _ in range(_AT_ONCE)]
            victim.look_and_order(f"{len(waiting)} of {sizes.waiting} connections that wait")
        for _ in range(sizes.rounds):
            victim.look_and_order(f"{sizes.waiting} connections that wait")
        held = sum(not each.done() for each in waiting)
        is_over.set()
        # Nobody waits for a job that is over; where this is refused, too, they wait to the end.
        tenant.http.post(f"/v1/jobs/{job_id}/cancel")
        return held


def _sums(costs: list[Cost]) -> Iterator[Found]:
    """All attacks at once for an hour, within the usual limits: of those that share a limit the dearest."""
    for paid, who in ((False, "without credit"), (True, "with credit, or with songs that it paid for,")):
        of_these = [cost for cost in costs if cost.paid is paid]
        known = sorted(((cost.usd, cost) for cost in of_these if cost.usd is not None), key=lambda each: each[0])
        dearest = {cost.bound: usd for usd, cost in known}
        unbound = [cost.name for cost in of_these if cost.usd is None]
        dearer = [f"{cost.name} {usd:.4f}" for usd, cost in reversed(known) if usd > GOAL_USD]
        yield Found(
            f"a tenant {who} costs {sum(dearest.values()):.4f} USD in an hour of the dearest within each limit "
            f"({', '.join(f'{bound} {usd:.4f}' for bound, usd in dearest.items())}); "
            f"dearer than {GOAL_USD}: {', '.join(dearer) or 'none'}; bound by no plan: {', '.join(unbound) or 'none'}"
        )
