"""Kills every function of one shape's way at every call that it makes, one at a time, and looks at what is left."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final
from zlib import crc32

from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from tests.crash.cuts import Cut, Moment, Site, died_at, distinct
from tests.crash.in_process import TENANT, InProcessCloud
from tests.crash.promises import Evidence, broken
from tests.crash.shapes import Shape
from tests.fakes.money.ledger import ledger_in_dynamodb

ORDERS: Final = 3
"""How often a caller with an idempotency key sends an order that was answered with an error."""
_LOOK_EVERY_S: Final = 61
_SWEPT_AFTER_S: Final = 1_201
"""When a deleted live song's files are deleted once more."""
_LOOKS: Final = 24
"""Nearly half an hour: a rescue that was killed is followed once its lease is over."""
_END: Final = "dynamodb.TransactWriteItems JOB+USAGE+WALLET"
"""The transaction that ends a job."""
_ASIDE: Final = ("AuthorizeRequest", "ReapJobs")
"""Two runs of theirs at once are nothing special."""
_TRIES_OF_THE_MACHINE: Final = 1 + 12
"""To settle a job in SettleJob: the first and its retries."""
_TRIES_TO_STORE: Final = 1 + 40
"""Of the state that stores a song and settles its job."""
_TRIES_OF_THE_RULE: Final = 3
"""Of Lambda, for what the status rule invokes."""


@dataclass(frozen=True)
class Share:
    """One of every `of` sites, drawn by `seed`; all of them where `of` is 1."""

    of: int = 1
    seed: int = 1

    def has(self, site: Site | None) -> bool:
        """Whether somebody is to be killed there; what follows from no single site is always in."""
        return site is None or crc32(f"{self.seed} {site}".encode()) % self.of == 0


@dataclass
class Report:
    """What came of one shape. `runs` counts the orders, `kills` those in which somebody died. `planned` are the sites
    at which somebody was to be killed, `seen` all that some run came by.
    """

    shape: str
    runs: int = 0
    kills: int = 0
    killed: set[Site] = field(default_factory=set)
    seen: set[Site] = field(default_factory=set)
    planned: set[Site] = field(default_factory=set)
    whole: bool = True
    problems: list[str] = field(default_factory=list)
    delivered: int = 0
    took_s: float = 0.0

    @property
    def not_killed(self) -> set[Site]:
        """Sites at which nobody was killed although they were planned, or, of the whole matrix, although some run came
        by them.
        """
        return (self.seen if self.whole else self.planned) - self.killed

    def as_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return {
            "shape": self.shape,
            "runs": self.runs,
            "kills": self.kills,
            "sites": len(self.seen),
            "delivered": self.delivered,
            "seconds": round(self.took_s, 1),
            "not_killed": sorted(map(str, self.not_killed)),
            "problems": self.problems,
        }


def run_matrix(cloud: InProcessCloud, shape: Shape, share: Share) -> Report:
    """One run without a kill, one for each moment of the share that it came by, and then one for each site that only
    runs with a kill have.
    """
    begun = time.monotonic()
    report = Report(shape.name, whole=share.of == 1)
    recorded = _undisturbed(cloud, shape, report)
    drawn = [moment for moment in distinct(recorded) if share.has(moment.site)]
    plans: deque[tuple[Site | None, frozenset[Cut]]] = deque((moment.site, frozenset({moment.cut})) for moment in drawn)
    report.planned.update(moment.site for moment in drawn)
    if shape.settled_late:
        plans += _settled_late(cloud, shape, share, recorded, report)
    planned = {moment.site for moment in recorded}
    while plans:
        site, plan = plans.popleft()
        if len(plan) > 1 and site in report.killed:
            continue
        # The later first: whoever died before a call has also died after the one before it.
        for moment in reversed(_run(cloud, shape, plan, report)):
            if moment.site not in planned:
                planned.add(moment.site)
                if not share.has(moment.site):
                    continue
                report.planned.add(moment.site)
                plans.append((moment.site, plan | {moment.cut}))
    if shape.overtaken:
        for moment in drawn:
            if moment.cut.function in _ASIDE:
                continue
            _run(cloud, shape, frozenset(), report, overtaken=frozenset({moment.cut}))
    report.took_s = time.monotonic() - begun
    return report


def _undisturbed(cloud: InProcessCloud, shape: Shape, report: Report) -> list[Moment]:
    moments = _run(cloud, shape, frozenset(), report)
    (job,) = jobs_of(cloud)
    expected = JobStatus.FAILED if shape.rescued else JobStatus.SUCCEEDED
    if job.status is not expected or len(job.attempts) != shape.attempts:
        report.problems.append(f"undisturbed: {job.status} after {len(job.attempts)} attempts, {job.failure}")
    return moments


def _wanted(moments: list[Moment], shape: Shape) -> list[Moment]:
    return [moment for moment in moments if not shape.functions or moment.cut.function in shape.functions]


def _settled_late(
    cloud: InProcessCloud, shape: Shape, share: Share, recorded: list[Moment], report: Report
) -> list[tuple[Site | None, frozenset[Cut]]]:
    """Settling dies as often as StoreAudio tries it. Then SettleJob dies once at each of its moments, or as often as
    the machine and the status rule try it, which leaves the reaper.
    """
    never_stored = _never_settled_where_it_is_stored(recorded)
    late = [moment for moment in _run(cloud, shape, never_stored, report) if moment.cut.function == "SettleJob"]
    if not late:
        report.problems.append("expected SettleJob to settle what StoreAudio did not, found no run of it")
        return []
    _settled_by_the_rule(cloud, shape, never_stored, late[0], report)
    drawn = [moment for moment in distinct(late) if share.has(moment.site)]
    report.planned.update(moment.site for moment in drawn)
    once = [(moment.site, never_stored | {moment.cut}) for moment in drawn]
    tries = _TRIES_OF_THE_MACHINE + _TRIES_OF_THE_RULE
    return [*once, *((None, never_stored | _each_time(moment, tries)) for moment in drawn)]


def _never_settled_where_it_is_stored(recorded: list[Moment]) -> frozenset[Cut]:
    """The first run that stores dies before it writes the end, and every later one at its first call."""
    stores = (moment.cut for moment in recorded if moment.cut.function == "StoreAudio" and moment.site.call == _END)
    first = next(stores)
    later = range(first.invocation + 1, first.invocation + _TRIES_TO_STORE)
    return frozenset({first, *(Cut("StoreAudio", invocation, 0) for invocation in later)})


def _settled_by_the_rule(
    cloud: InProcessCloud, shape: Shape, never_stored: frozenset[Cut], first: Moment, report: Report
) -> None:
    """Settling dies as often as the machine tries it; the execution fails, and the status rule has the job settled."""
    _run(cloud, shape, never_stored | _each_time(first, _TRIES_OF_THE_MACHINE), report)
    tries = cloud.runtime.invocations["SettleJob"]
    if tries != _TRIES_OF_THE_MACHINE + 1:
        report.problems.append(f"expected the status rule to settle the job after the machine, found {tries} tries")


def _each_time(moment: Moment, times: int) -> frozenset[Cut]:
    return frozenset(replace(moment.cut, invocation=number) for number in range(1, times + 1))


def _run(
    cloud: InProcessCloud,
    shape: Shape,
    deadly: frozenset[Cut],
    report: Report,
    overtaken: frozenset[Cut] = frozenset(),
) -> list[Moment]:
    """One order with these kills, or overtaken there, until nobody works on it any more."""
    cloud.begin(shape, deadly, overtaken)
    see_through(cloud, shape)
    dead_links = _deleted(cloud, _SWEPT_AFTER_S if "live" in shape.fields else _LOOK_EVERY_S) if shape.deleted else []
    moments = _wanted(cloud.runtime.moments, shape)
    report.runs += 1
    report.kills += bool(deadly)
    if not overtaken:
        # What only a lost race leads to is another test's affair.
        report.seen.update(moment.site for moment in moments)
    report.killed |= died_at(moments, deadly)
    evidence = evidence_of(cloud, shape, dead_links)
    report.delivered += any(job.status is JobStatus.SUCCEEDED for job in evidence.jobs)
    problems = [*broken(evidence), *_missed(deadly | overtaken, moments)]
    where = " and ".join(dict.fromkeys(str(moment.site) for moment in moments if moment.cut in deadly | overtaken))
    how = "overtaken " if overtaken else ""
    report.problems += [f"{how}{where or 'nobody died'}: {problem}" for problem in problems]
    return moments


def _missed(deadly: frozenset[Cut], moments: list[Moment]) -> Iterator[str]:
    """Kills that did not happen, because the run took another way than the one that was recorded."""
    missed = deadly - {moment.cut for moment in moments}
    if missed and len(deadly) < _TRIES_OF_THE_MACHINE:
        yield f"expected to be killed at {sorted(map(str, missed))}, found another way"


def see_through(cloud: InProcessCloud, shape: Shape) -> None:
    """The caller orders (and repeats), the machine works, and the reaper comes every minute."""
    for _ in range(ORDERS if shape.repeats else 1):
        status = cloud.order(shape)
        cloud.until_nobody_works()
        if status == 202:
            break
    look_after(cloud)


def look_after(cloud: InProcessCloud, every_s: int = _LOOK_EVERY_S) -> None:
    """Let the reaper come every so often until nothing is left to do."""
    for _ in range(_LOOKS):
        cloud.clock.wait(every_s)
        done = cloud.reap() and cloud.nothing_to_look_after()
        cloud.until_nobody_works()
        if done:
            return


def _deleted(cloud: InProcessCloud, look_every_s: int) -> list[str]:
    """The caller deletes the job once and looks; the reaper comes every so often. Whatever was shown and was gone."""
    dead: list[str] = []
    for job in jobs_of(cloud):
        cloud.delete(job.id)
        shown = cloud.shown(job.id)
        keys = [track.object_key for track in job.tracks] if shown and shown["tracks"] else []
        dead += [key for key in keys if cloud.content(key) is None]
    look_after(cloud, look_every_s)
    return dead


def evidence_of(cloud: InProcessCloud, shape: Shape, dead_links: list[str]) -> Evidence:
    """What is left when nobody works on the order any more."""
    client = cloud.clients("dynamodb")
    ledger = ledger_in_dynamodb(client, cloud.table_name)
    jobs = jobs_of(cloud)
    return Evidence(
        jobs=jobs,
        key_counter=next((ledger.key_counter(job.key_cap.counter_id, TENANT) for job in jobs if job.key_cap), None),
        wallet=ledger.wallet(TENANT),
        ledger=ledger.entries(TENANT),
        bills=cloud.providers.bills(),
        events=cloud.told(),
        staged=lambda job_id, attempt: cloud.content(f"staging/{job_id}/{attempt}") is not None,
        stored=cloud.content,
        songs=shape.songs,
        rescued=_rescued(cloud) if shape.rescued else None,
        deleted=shape.deleted,
        left=lambda job_id: [
            *(
                key
                for place in ("tracks/", "originals/", "staging/", "live/")
                for key in cloud.keys(f"{place}{job_id}/")
            ),
            *cloud.live_records(),
        ],
        dead_links=dead_links,
        copies=lambda job_id: cloud.keys(f"references/{TENANT}/{job_id}"),
        listens=shape.listens,
        deliveries=cloud.deliveries(),
        received=tuple(cloud.receiver.ids),
    )


def _rescued(cloud: InProcessCloud) -> list[bytes]:
    """The files that were kept beside the staged answers."""
    keys = [key for job_id in cloud.job_ids() for key in cloud.keys(f"staging/{job_id}/") if ".file." in key]
    return [content for key in keys if (content := cloud.content(key)) is not None]


def jobs_of(cloud: InProcessCloud) -> list[Job]:
    """Every job of the table."""
    store = ledger_in_dynamodb(cloud.clients("dynamodb"), cloud.table_name).jobs
    return [job for job_id in cloud.job_ids() if (job := store.load(job_id)) is not None]
