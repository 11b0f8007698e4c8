"""Crash injection in one process: every function of every shape's way is killed at every call that it makes."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from tests.crash.shapes import SHAPES
from tests.functions import ROOT
from tests.soak.part import Found

_AT_ONCE: Final = 2
_SMOKE_SHARE: Final = 60


def soak(*, smoke: bool, seed: int, until: float) -> Iterator[Found]:
    """All shapes, or of a smoke test one of them at a few moments. A shape that is not begun at `until` (monotonic
    seconds) is left out and said.
    """
    shapes = [shape.name for shape in (SHAPES[:1] if smoke else SHAPES)]
    sample = ["--of", str(_SMOKE_SHARE), "--seed", str(seed)] if smoke else []

    def run(shape: str) -> Found:
        if time.monotonic() >= until:
            return Found(f"{shape}: left out for want of time")
        return _found(shape, sample)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(run, shapes)


def _found(shape: str, sample: Sequence[str]) -> Found:
    command = [sys.executable, "-m", "tests.crash", *sample, shape]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        return Found(f"{shape}: exit {ended.returncode}", (ended.stderr.strip().splitlines()[-1],))
    report: dict[str, Any] = json.loads(ended.stdout)
    broken = [*report["problems"], *(f"nobody was killed at {site}" for site in report["not_killed"])]
    if not report["kills"]:
        broken.append("nobody was killed")
    return Found(
        f"{shape}: {report['kills']} kills at {report['sites']} sites, {report['seconds']:.0f} s", tuple(broken)
    )
