"""Workers share the tests so that no cloud is started twice and no long test begins last."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from tests.functions import ROOT
from tests.support.sharing import long_first, unit

WITH_A_CLOUD = "tests/integration/use_cases/generation/test_callbacks.py"
WITHOUT = "tests/integration/use_cases/generation/test_whole_jobs.py"
OF_A_FOLDER = "tests/integration/use_cases/live/test_live_speech.py"
UNIT = "tests/unit/test_errors.py"


@dataclass(frozen=True)
class Item:
    """As much of a collected test as its place depends on."""

    nodeid: str
    is_long: bool = False

    def get_closest_marker(self, name: str) -> object:
        return self if self.is_long and name == "long" else None


def ordered(*items: Item) -> list[str]:
    collected = cast("list[pytest.Item]", list(items))
    long_first(collected)
    return [item.nodeid for item in collected]


@pytest.mark.parametrize("module", [WITH_A_CLOUD, OF_A_FOLDER, UNIT])
def test_what_a_module_or_its_folder_starts_is_used_by_one_worker(module: str) -> None:
    assert unit(f"{module}::test_a[x::y]") == unit(f"{module}::test_b") == module


def test_tests_of_the_shared_cloud_go_to_whichever_worker_is_free() -> None:
    assert unit(f"{WITHOUT}::test_a[x::y]") == f"{WITHOUT}::test_a[x::y]"


def test_long_tests_come_first_then_those_that_start_clouds_and_modules_stay_together() -> None:
    assert ordered(
        Item(f"{UNIT}::test_a"),
        Item(f"{WITHOUT}::test_a"),
        Item(f"{WITH_A_CLOUD}::test_a"),
        Item(f"{WITHOUT}::test_b"),
        Item("tests/unit/test_long.py::test_a"),
        Item("tests/unit/test_long.py::test_b", is_long=True),
    ) == [
        "tests/unit/test_long.py::test_a",
        "tests/unit/test_long.py::test_b",
        f"{WITH_A_CLOUD}::test_a",
        f"{UNIT}::test_a",
        f"{WITHOUT}::test_a",
        f"{WITHOUT}::test_b",
    ]


def test_a_fixture_of_a_module_is_made_once_by_all_workers_together(tmp_path: Path) -> None:
    made, module = tmp_path / "made", tmp_path / "test_them.py"
    module.write_text(
        "import os, pathlib, pytest\n"
        "@pytest.fixture(scope='module')\n"
        f"def made(): pathlib.Path({str(made)!r}).open('a').write(os.environ['PYTEST_XDIST_WORKER'] + ' ')\n"
        "@pytest.mark.parametrize('number', range(40))\n"
        "def test_it(made, number): pass\n",
        "utf-8",
    )
    environment: dict[str, Any] = {name: value for name, value in os.environ.items() if "XDIST" not in name}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "tests.conftest", "-c", os.devnull, module],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "40 passed" in run.stdout, run.stdout + run.stderr
    assert len(made.read_text("utf-8").split()) == 1
