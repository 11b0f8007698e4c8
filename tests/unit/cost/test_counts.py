"""What counts as a job's own, and what differs between two jobs."""

from typing import Any

import pytest

from tests.benchmarks.cost.counts import INDICES, counts_of, is_remembered, less, near_a_boundary, use_of_counts
from tests.benchmarks.cost.meter import Reading
from tests.benchmarks.cost.shapes import Polling, polling_of


def touching(item: str, size: int = 100, **units: float) -> dict[str, Any]:
    took = {f"{name}_units": units.get(name, 0) for name in ("write", "index", "read")}
    touched = [{"item": item, "bytes": size, **units}]
    return {"function": "SettleJobFunction", "action": "dynamodb:UpdateItem", "touched": touched, **took}


@pytest.mark.parametrize(
    ("call", "remembered"),
    [
        ({"action": "secretsmanager:GetSecretValue"}, True),
        (touching("SETTINGS/SETTINGS", read=1), True),
        (touching("READS/DATE", write=1), True),
        (touching("ESTIMATES/ESTIMATES", read=0.5), True),
        (touching("ESTIMATES/ESTIMATES", read=1), False),
        (touching("ESTIMATES/ESTIMATES", write=1), False),
        (touching("JOB/JOB", write=1), False),
        ({"action": "s3:PutObject"}, False),
    ],
)
def test_what_an_environment_remembers_is_no_jobs_own(call: dict[str, Any], remembered: bool) -> None:
    assert is_remembered(call) is remembered


def test_units_are_counted_by_item_and_those_of_an_item_that_grows_once() -> None:
    calls = [touching("JOB/JOB", write=4, index=2), touching("PROVIDER/STATE", size=3000, write=3)]
    reading = Reading(calls, {"SettleJobFunction": [1.0, 2.0]}, states=("SettleJob", "Done"))
    counts = counts_of(reading)
    assert counts["write units"] == {"JOB/JOB": 4, "PROVIDER/STATE": 1, INDICES: 2}
    assert counts["invocations"] == {"SettleJob": 2}
    used = use_of_counts(counts)
    assert (used["write units"], used["transitions"], used["invocations"]) == (7, 2, 2)


def test_what_differs_is_told_in_its_parts_and_what_is_equal_is_not() -> None:
    one = {"transitions": 6, "write units": {"a": 2, "b": 1}, "calls": {"F": {"x": 1}}}
    other = {"transitions": 6, "write units": {"a": 1, "c": 1}, "calls": {"F": {"x": 1}, "G": {"y": 1}}}
    assert less(one, other) == {"write units": {"a": 1, "b": 1, "c": -1}, "calls": {"G": {"y": -1}}}
    assert less(one, one) == {}


@pytest.mark.parametrize(("size", "near"), [(1024, True), (1020, True), (1025, False), (900, False)])
def test_an_item_that_is_nearly_a_unit_longer_is_told(size: int, near: bool) -> None:
    assert bool(list(near_a_boundary(Reading([touching("JOB/JOB", size, write=1)])))) is near


def test_polls_follow_from_the_catalogues_pace_and_the_providers_time() -> None:
    quick, usual, late = (polling_of("aimlapi/minimax/music-2.0", seconds) for seconds in (1, 70, 300))
    assert quick == Polling(polls=1, runs=1, pauses_s=0)
    assert usual.polls < late.polls
    assert usual.runs < late.runs
    assert 0 < usual.pauses_s <= 30
