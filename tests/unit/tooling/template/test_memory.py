"""Each function has the memory that the table of figures says, and at least twice what it took at its peak."""

import re
from typing import Final, NamedTuple

import pytest

from tests.benchmarks.bench_memory import memory_mb
from tests.functions import ROOT

ROOM: Final = 2
"""How many times its measured peak a function's memory is at least. A peak is an upper bound, but of other songs."""
WAITING: Final = {"poll_generation", "start_generation"}
"""What waits most of its time, and is paid for by the second."""
_ROW: Final = re.compile(r"^\| `(?P<function>[a-z_]+)` \| (?P<peak>\d+) \| (?P<memory>\d+) \|", re.MULTILINE)


class Row(NamedTuple):
    """Megabytes of one function: its measured peak, and what it is given."""

    peak_mb: int
    memory_mb: int


def rows() -> dict[str, Row]:
    text = (ROOT / "docs" / "figures.md").read_text("utf-8")
    table = text.partition("\n## Memory\n")[2].partition("\n## ")[0]
    return {row["function"]: Row(int(row["peak"]), int(row["memory"])) for row in _ROW.finditer(table)}


MEASURED: Final = rows()


def test_every_function_that_a_job_passes_is_measured() -> None:
    assert {"submit_job", "settle_job", "store_audio", "await_callback", *WAITING} <= MEASURED.keys()


@pytest.mark.parametrize("function", MEASURED)
def test_a_function_has_the_memory_that_the_figures_say(function: str) -> None:
    assert memory_mb()[function] == MEASURED[function].memory_mb


@pytest.mark.parametrize("function", MEASURED)
def test_a_function_has_at_least_twice_the_memory_of_its_peak(function: str) -> None:
    assert MEASURED[function].memory_mb >= ROOM * MEASURED[function].peak_mb


@pytest.mark.parametrize("function", sorted(WAITING))
def test_what_waits_has_the_least_memory_in_steps_of_64_mb_that_leaves_this_room(function: str) -> None:
    row = MEASURED[function]
    assert row.memory_mb - 64 < ROOM * row.peak_mb
