"""Every function of a job's way is killed at every call that it makes, and what was promised still holds."""

import json
import subprocess
import sys
from typing import Any, Final

import pytest

from tests.crash.shapes import SHAPES
from tests.functions import ROOT

_HALVES: Final = (SHAPES[::2], SHAPES[1::2])
"""For two workers, each with a cloud in a process of its own, because moto is changed for as long as that lives."""


def reports(names: list[str]) -> list[dict[str, Any]]:
    """What the matrix of these shapes came to."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.crash", *names], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("half", _HALVES, ids=["one half of the shapes", "the other half"])
def test_whoever_is_killed_wherever_nothing_is_paid_twice_or_lost(half: tuple[Any, ...]) -> None:
    found = reports([shape.name for shape in half])
    assert [report["shape"] for report in found] == [shape.name for shape in half]
    for report in found:
        assert not report["problems"], report
        assert not report["not_killed"], report
        assert report["kills"] >= 10, report
