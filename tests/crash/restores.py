"""`python -m tests.crash.restores [--of N] [--seed S] [SHAPE ...]`: lets an order end, restores the table to a moment
before, recovers, and looks at what is left, as a JSON line for each shape.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.providers.failures import ProviderCharged
from tests.crash.cuts import Cut, Moment, distinct
from tests.crash.in_process import InProcessCloud, quiet
from tests.crash.matrix import Share, evidence_of, jobs_of, look_after, see_through
from tests.crash.promises import books_of
from tests.crash.shapes import SHAPES, Shape

RESTORED: Final = (
    "hex in the answer",
    "link in the answer",
    "task",
    "callbacks",
    "refused, fallback sings",
    "busy, then hex",
    "reseller",
    "upload, then hex",
)
"""The shapes whose orders are looked at; each leads to other records and other evidence."""
_ASIDE: Final = frozenset({"AuthorizeRequest", "SubmitJob", "ReapJobs"})
"""At most moments of theirs there is no job yet, or it has ended."""
_KILLED: Final = frozenset({"hex in the answer", "callbacks"})
"""Shapes whose recovery is also killed: one song in staging, and a task with two songs."""


def main(argv: Sequence[str]) -> None:
    """Restore to each moment; what was found is for the reader to judge."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.restores")
    parser.add_argument("--of", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("shapes", nargs="*", metavar="SHAPE")
    chosen = parser.parse_args(argv)
    names = chosen.shapes or RESTORED
    with quiet() as heard, tempfile.TemporaryDirectory() as scratch:
        cloud = InProcessCloud(Path(scratch))
        for shape in [shape for shape in SHAPES if shape.name in names]:
            heard.write(json.dumps(restore_to_each(cloud, shape, Share(chosen.of, chosen.seed))) + "\n")
            heard.flush()


def restore_to_each(cloud: InProcessCloud, shape: Shape, share: Share) -> dict[str, Any]:
    """The problems of the shape, the number of restores and of kills, and the ends by the job's status then."""
    cloud.begin(shape, frozenset())
    see_through(cloud, shape)
    moments = [each for each in distinct(cloud.runtime.moments) if share.has(each.site)]
    moments = [each for each in moments if each.cut.function not in _ASIDE]
    problems: list[str] = []
    ends: Counter[str] = Counter()
    kills = 0
    for moment in moments:
        for without in (False, True):
            where = f"{moment.site}{', without staging and songs' if without else ''}"
            problems += [f"{where}: {each}" for each in _restored(cloud, shape, moment, ends, without=without)]
    # At the first moment of the drawn ones nothing is on record yet, so that a recovery has the most to do.
    for moment in moments[:1] if shape.name in _KILLED else ():
        for found in _killed_while_recovering(cloud, shape, moment):
            kills += 1
            problems += [f"{moment.site}, killed: {each}" for each in found]
    return {
        "shape": shape.name,
        "restores": 2 * len(moments),
        "kills": kills,
        "ends": dict(sorted(ends.items())),
        "problems": problems,
    }


def _restored(
    cloud: InProcessCloud, shape: Shape, moment: Moment, ends: Counter[str], *, without: bool
) -> Iterator[str]:
    before = _restored_world(cloud, shape, moment, without=without)
    if before is None:
        return
    yield from _recovered(cloud, ends, shape, before, without=without)


def _restored_world(
    cloud: InProcessCloud, shape: Shape, moment: Moment, *, without: bool
) -> Mapping[str, Sequence[Mapping[str, Any]]] | None:
    """The bills before the recovery, or None where the job was not there yet or the run did not come by the moment."""
    copies: list[Any] = []
    cloud.begin(shape, frozenset(), frozenset({moment.cut}))
    cloud.runtime.instead = lambda: copies.append(cloud.copy_of_the_table())
    see_through(cloud, shape)
    cloud.told()
    cloud.runtime.overtaken = frozenset()
    if not copies:
        return None
    cloud.restore(copies[0])
    if without:
        for job_id in cloud.job_ids():
            cloud.remove(f"staging/{job_id}/")
            cloud.remove(f"tracks/{job_id}/")
    return cloud.providers.bills() if cloud.job_ids() else None


def _recovered(
    cloud: InProcessCloud,
    ends: Counter[str],
    shape: Shape,
    bills: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    without: bool,
) -> Iterator[str]:
    (then,) = jobs_of(cloud)
    # The reaper comes before the operator does, and must take nothing into its own hands.
    cloud.reap()
    cloud.until_nobody_works()
    answer = cloud.manage(action="recover")
    if answer is None or not answer["complete"] or answer["unreadable"]:
        yield f"expected a complete recovery, found {answer}"
    cloud.until_nobody_works()
    cloud.manage(action="resume", provider="all")
    look_after(cloud)
    (job,) = jobs_of(cloud)
    ends[f"{then.status} -> {job.status}{' without evidence' if without else ''}"] += 1
    yield from _kept(cloud, shape, then, job, bills, without=without)


def _kept(
    cloud: InProcessCloud,
    shape: Shape,
    then: Job,
    job: Job,
    bills: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    without: bool,
) -> Iterator[str]:
    """What holds after a recovery: no provider was asked again, and credits follow from what was bought."""
    if cloud.providers.bills() != bills:
        yield f"a provider was asked again: {bills}, then {cloud.providers.bills()}"
    if not job.status.is_terminal:
        yield f"the job is still {job.status}"
    paid = sum(item["charged"] for bill in bills.values() for item in bill)
    evidence = evidence_of(cloud, shape, [])
    yield from books_of(job, evidence)
    if without and then.status.is_terminal:
        return
    if job.status is JobStatus.SUCCEEDED:
        if paid != 1:
            yield f"delivered, and {paid} songs were paid for"
        if len(job.tracks) != shape.songs:
            yield f"expected {shape.songs} songs, found {len(job.tracks)}"
    elif not without:
        yield f"{then.status} at the restore, and {job.status} although its song is kept: {job.failure}"
    elif paid and (job.failure is None or job.failure.provider_charged is ProviderCharged.NO):
        yield f"the song was paid for, and the job says {job.failure}"
    if not then.status.is_terminal and {event["event_id"] for event in evidence.events} != {
        f"{job.id}.{job.status}",
        f"{job.id}.usage",
    }:
        yield f"expected the events of the end, found {evidence.events}"


def _killed_while_recovering(cloud: InProcessCloud, shape: Shape, moment: Moment) -> Iterator[list[str]]:
    """The recovery is killed at each moment, one run for each, and another one follows."""
    if _restored_world(cloud, shape, moment, without=False) is None:
        return
    invocation = cloud.runtime.invocations["ManageTenants"] + 1
    cloud.manage(action="recover")
    cloud.until_nobody_works()
    deaths = [each.cut for each in cloud.runtime.moments if each.cut.function == "ManageTenants"]
    for cut in [each for each in deaths if each.invocation == invocation]:
        bills = _restored_world(cloud, shape, moment, without=False)
        assert bills is not None
        cloud.runtime.deadly = frozenset({Cut("ManageTenants", invocation, cut.moment)})
        died = cloud.manage(action="recover") is None
        cloud.runtime.deadly = frozenset()
        found = [] if died else [f"expected to be killed at {cut}"]
        yield [*found, *_recovered(cloud, Counter(), shape, bills, without=False)]


if __name__ == "__main__":
    main(sys.argv[1:])
