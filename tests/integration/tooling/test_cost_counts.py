"""What a job of each shape makes AWS bill is what `counts.json` says, so that a change that adds a transition, a write
or a request is seen. Where it is meant, `make cost ARGS=--write` writes the counts anew.
"""

from collections.abc import Iterator

import pytest

from tests.benchmarks.cost.counts import kept, less
from tests.benchmarks.cost.shapes import HELD, HEX, PEAKS, READ, Rig, Shape, rig


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig(tmp_path_factory.mktemp("cost")) as running:
        yield running


@pytest.mark.parametrize("shape", HELD, ids=lambda shape: shape.name)
def test_a_job_makes_aws_bill_what_is_written_and_no_more(running: Rig, shape: Shape) -> None:
    counts, before = running.run(shape).counts(shape), kept()
    assert {name: less(each, before[name]) for name, each in counts.items()} == {name: {} for name in counts}


def test_counts_are_kept_of_these_shapes_only() -> None:
    assert set(kept()) == {shape.name for shape in HELD} | {PEAKS, READ}
    assert HEX in kept()
