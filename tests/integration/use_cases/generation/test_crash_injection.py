"""Every function of a job's way is killed at the calls that it makes, and what was promised still holds. This is one of
every six moments; `make soak ARGS=crashes` has all.
"""

import json
import subprocess
import sys
from typing import Any, Final

import pytest

from tests.crash.killings import KILLINGS
from tests.crash.shapes import SHAPES, Shape
from tests.functions import ROOT

ONE_OF: Final = 6
RESTORES_ONE_OF: Final = 8
RESTORED_HERE: Final = ("hex in the answer", "callbacks", "refused, fallback sings")
"""`python -m tests.crash.restores` has the others as well."""
_HALVES: Final = (SHAPES[::2], SHAPES[1::2])
"""For two workers, each with a cloud in a process of its own, because moto is changed for as long as that lives."""


def lines_of(module: str, *arguments: str) -> list[dict[str, Any]]:
    """What a run in a process of its own came to."""
    ended = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("half", _HALVES, ids=["one half of the shapes", "the other half"])
def test_a_process_killed_at_any_step_loses_nothing_and_pays_nothing_twice(half: tuple[Shape, ...]) -> None:
    names = [shape.name for shape in half]
    found = lines_of("tests.crash", "--of", str(ONE_OF), *names)
    assert [report["shape"] for report in found] == names
    for report in found:
        assert not report["problems"], report
        assert not report["not_killed"], report
        assert report["kills"] >= 10 // ONE_OF, report


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_real_process_that_is_killed_costs_no_song_that_was_kept_and_buys_none_twice() -> None:
    found = lines_of("tests.crash.killings")
    assert len(found) == len(KILLINGS)
    for outcome, (shape, delivered, _) in zip(found, KILLINGS, strict=True):
        assert (outcome["shape"], outcome["missed"], outcome["problems"]) == (shape, [], []), outcome
        assert outcome["delivered"] is delivered, outcome


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_table_restored_to_any_moment_of_an_order_pays_nothing_twice_and_explains_every_credit() -> None:
    found = lines_of("tests.crash.restores", "--of", str(RESTORES_ONE_OF), *RESTORED_HERE)
    assert [report["shape"] for report in found] == list(RESTORED_HERE)
    for report in found:
        assert not report["problems"], report
        assert report["ends"], report
    assert sum(report["kills"] for report in found) >= 20, found
    ends = {end for report in found for end in report["ends"]}
    assert {"queued -> succeeded", "queued -> failed without evidence", "storing -> succeeded"} <= ends


def test_every_function_of_a_jobs_way_is_among_the_killed_processes() -> None:
    killed = {kill.site.function for _, _, kills in KILLINGS for kill in kills}
    assert killed == {
        "SubmitJob",
        "StartGeneration",
        "PrepareReference",
        "PollGeneration",
        "AwaitCallback",
        "ReceiveCallback",
        "StoreAudio",
        "SettleJob",
        "ReapJobs",
    }
