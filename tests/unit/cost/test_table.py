"""The printed tables: a row for each shape and time, sums that are the sums of their columns, and additions alone."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from tests.benchmarks.cost.measured import Measured
from tests.benchmarks.cost.meter import Reading
from tests.benchmarks.cost.shapes import HEX, PEAKS, SHAPES, Ran
from tests.benchmarks.cost.table import MARKS, tables

FUNCTIONS = (
    "SubmitJob",
    "StartGeneration",
    "PollGeneration",
    "StoreAudio",
    "MeasureTracks",
    "ReadJobs",
    "DeliverWebhook",
)
MEMORY_MB = dict.fromkeys(FUNCTIONS, 512)
WAITING = {1: 50.0, 10: 60.0}


def call(function: str, action: str = "dynamodb:PutItem", **more: Any) -> dict[str, Any]:  # noqa: ANN401 (any field)
    touched = [{"item": "JOB/JOB", "bytes": 10, "write": 2, "index": 1}] if action == "dynamodb:PutItem" else []
    units = {"write_units": 2, "index_units": 1, "read_units": 0.5, "touched": touched}
    return {"function": f"{function}Function", "action": action, "bytes": 100, **units, **more}


def ran(*more: dict[str, Any]) -> Ran:
    calls = [call("SubmitJob"), call("StoreAudio", "s3:PutObject"), *more]
    invoked = ("SubmitJob", "StartGeneration", "PollGeneration", "StoreAudio")
    job = Reading(calls, {f"{name}Function": [1.0] for name in invoked}, Counter({"SubmitJobFunction": 10}))
    peaks = Reading([call("MeasureTracks")], {"MeasureTracksFunction": [1.0]})
    read = Reading([call("ReadJobs", "dynamodb:Query")], {"ReadJobsFunction": [1.0]}, routes=Counter(["GET"]))
    return Ran(replace(job, states=("StartGeneration", "Done"), routes=Counter(["POST"])), peaks, read, 100)


@pytest.fixture
def rows() -> dict[str, list[str]]:
    """The cells of each row by its first one; a shape that stands in two tables under its last one."""
    cpu_s = dict.fromkeys(FUNCTIONS, 0.1)
    more = [call("SubmitJob", "events:PutEvents")]
    measured = {
        shape.name: Measured(shape, ran(*(more if shape.more_than else [])), cpu_s, MEMORY_MB) for shape in SHAPES
    }
    printed = tables(measured, replace(measured[HEX], cpu_s=dict.fromkeys(FUNCTIONS, 0.0)), WAITING)
    lines = [line.strip("| ").split(" | ") for line in printed.splitlines() if line]
    return {cells[0]: cells[1:] for cells in lines}


def test_each_shape_has_a_row_for_each_time_that_its_provider_takes(rows: dict[str, list[str]]) -> None:
    for shape in SHAPES:
        for wait_s in shape.waits_s:
            assert (f"{shape.name}, {wait_s} s" in rows) is (shape.more_than is None)


def test_a_sum_is_that_of_its_row(rows: dict[str, list[str]]) -> None:
    cells = rows[f"{HEX}, 30 s"]
    *parts, total, _naive, _files = cells
    assert float(total.strip("*")) == pytest.approx(sum(map(float, parts)), abs=0.005)


def test_only_what_an_addition_adds_stands_in_its_row(rows: dict[str, list[str]]) -> None:
    told = rows["told by webhook"]
    assert float(told[6]) == pytest.approx(0.001)
    assert float(told[0]) == float(told[1]) == 0


def test_marks_cost_their_processor_time_and_peaks_what_they_do_after_the_job(rows: dict[str, list[str]]) -> None:
    marks, peaks = rows[MARKS], rows[PEAKS]
    assert [float(cell) for cell in marks[:7]] == [0] * 7
    assert float(marks[7]) > 0
    assert float(peaks[1]) > 0


def test_jobs_that_wait_stand_by_their_number(rows: dict[str, list[str]]) -> None:
    assert rows["write units of a job"] == ["50", "60"]


def test_a_naive_design_stands_beside_all_but_what_it_cannot_do(rows: dict[str, list[str]]) -> None:
    assert float(rows[f"{HEX}, 90 s"][-2]) > float(rows[f"{HEX}, 30 s"][-2])
    assert rows["called back, 90 s"][-2] == ""
