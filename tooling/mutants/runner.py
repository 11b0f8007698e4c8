"""Scratch copies of the checkout, and what the tests say of one after a mutation."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Final, TypeVar

from tooling.mutants.mutant import Mutant

ROOT: Final = Path(__file__).parents[2]
COPIED: Final = (
    *("client", "functions", "layers", "local", "statemachine", "tests", "tooling"),
    *("pyproject.toml", "template.yaml"),
)
WORKERS: Final = 2
LONGEST_S: Final = 240
"""Far more than any of the tests needs: whoever hangs is killed too, but a busy machine kills nobody."""
Said = TypeVar("Said")
_QUICK: Final = (
    *("-x", "-q", "--tb=short", "--hypothesis-profile=first failure"),
    *("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:anyio"),
)
"""Arguments of pytest: the first failure is enough, and nothing is needed that would only help to find its cause."""


def fate_of(mutant: Mutant, copy: Path) -> str:
    """What became of a mutant: `killed`, or why it was not."""
    file = copy / mutant.file
    whole = file.read_text("utf-8")
    if whole.count(mutant.old) != 1:
        return f"its text is in {mutant.file} {whole.count(mutant.old)} times; write it anew"
    file.write_text(whole.replace(mutant.old, mutant.new), "utf-8")
    try:
        status, _ = run_tests(mutant.tests, copy)
    finally:
        file.write_text(whole, "utf-8")
    return {0: "SURVIVED", 1: "killed"}.get(status, f"its tests could not run: pytest ended with {status}")


def run_tests(tests: Sequence[str], copy: Path) -> tuple[int, str]:
    """Pytest's exit status (0: all passed, 1: one failed; tests that hang have failed) and what it printed."""
    paths = os.pathsep.join(map(str, (copy / "layers" / "fermata", copy / "client", copy)))
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", *_QUICK, *tests]
    try:
        ended = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, check=False, timeout=LONGEST_S, text=True
        )
    except subprocess.TimeoutExpired:
        return 1, f"not within {LONGEST_S} s"
    return ended.returncode, ended.stdout + ended.stderr


class Copies:
    """Scratch copies of the checkout; each is used by one at a time."""

    def __init__(self, folder: Path) -> None:
        self._free: SimpleQueue[Path] = SimpleQueue()
        for number in range(WORKERS):
            self._free.put(_copied_into(folder / str(number)))

    def use(self, work: Callable[[Path], Said]) -> tuple[Said, float]:
        """What `work` says of a copy, and the seconds that it took."""
        copy, since = self._free.get(), time.monotonic()
        try:
            return work(copy), time.monotonic() - since
        finally:
            self._free.put(copy)


def _copied_into(folder: Path) -> Path:
    folder.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder
