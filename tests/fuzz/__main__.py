"""`make fuzz`: changed inputs for whatever reads bytes from outside, and the bombs. Exits 1 where a promise was broken.

`python -m tests.fuzz [TARGET ...]` reads changed inputs for these targets, or for all and then explodes the bombs;
`python -m tests.fuzz bombs [NAME ...]` explodes these bombs, or all, at full size. `SMOKE=1` reads a few cases of a
fixed seed and no bomb, because a test of every push explodes them. `SEED=7` repeats the choices of a run, and
`SEED=7 CASE=99 python -m tests.fuzz mp3` one case of it.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.fuzz.bombs import BOMBS, WHOLE
from tests.fuzz.cases import Fuzzed
from tests.fuzz.explode import Explosion, exploded
from tests.fuzz.targets import TARGETS

BOMBS_PART: Final = "bombs"
SECONDS: Final = 40
"""How long a target begins new cases; fifteen targets, two at once, take five minutes and the bombs three to four."""

_AT_ONCE: Final = 2
_SMOKE_SEED: Final = 1
_SMOKE_CASES: Final = 60
_MOST_CASES: Final = 10**9
_LONGEST_SMOKE_S: Final = 600
_MB: Final = 1_000_000


def main(names: Sequence[str]) -> int:
    """Run what these names say, everything without any, and print what it found."""
    if names[:1] == [BOMBS_PART]:
        return _refused(names[1:], BOMBS) or explode_all(names[1:] or list(BOMBS))
    if _refused(names, TARGETS):
        return 2
    smoke = bool(os.environ.get("SMOKE"))
    seed = int(os.environ.get("SEED") or (_SMOKE_SEED if smoke else random.randrange(1_000_000)))
    broken = fuzz_all(names or list(TARGETS), seed, smoke=smoke)
    return broken if names or smoke else max(broken, explode_all(list(BOMBS)))


def _refused(names: Sequence[str], known: Collection[str]) -> int:
    unknown = sorted(set(names) - set(known))
    if not unknown:
        return 0
    print(f"expected {', '.join(known)}; found {', '.join(unknown)}", file=sys.stderr)
    return 2


def fuzz_all(names: Sequence[str], seed: int, *, smoke: bool) -> int:
    """Read changed inputs for these targets, each in a process of its own; 1 where one of them broke a promise."""
    case = os.environ.get("CASE")
    first, cases = (int(case), 1) if case else (0, _SMOKE_CASES if smoke else _MOST_CASES)
    seconds = _LONGEST_SMOKE_S if smoke else SECONDS
    print(
        f"{'target':10} {'seed':>7} {'cases':>8}  {'most calls, of how many bytes, in case':40} peak memory", flush=True
    )

    def run(name: str) -> int:
        command = [sys.executable, "-m", "tests.fuzz.cases", name, str(seed), str(first), str(cases), str(seconds)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode:
            again = f"SEED={seed} python -m tests.fuzz {name}"
            print(f"{name}: BROKEN: ended with {ended.returncode}; again: {again}\n{ended.stderr[-2000:]}", flush=True)
            return 1
        return _told(name, seed, Fuzzed(**json.loads(ended.stdout)))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return max(pool.map(run, names))


def _told(name: str, seed: int, found: Fuzzed) -> int:
    slowest = f"{found.slowest_calls:,} of {found.slowest_bytes:,} in {found.slowest_case}"
    print(f"{name:10} {seed:7} {found.cases:8,}  {slowest:40} {found.peak_bytes / _MB:.0f} MB", flush=True)
    if found.broken is None:
        return 0
    again = f"SEED={seed} CASE={found.broken_case} python -m tests.fuzz {name}"
    print(f"{name}: BROKEN: {found.broken}\n{name}: again: {again}", flush=True)
    return 1


def explode_all(names: Sequence[str]) -> int:
    """Explode these bombs at full size; 1 where one of them ended as something else than it is to."""
    print(f"{'bomb':42} {'ended as':22} {'read on':>9} {'steps':>10} {'peak memory':>12} {'CPU':>8}", flush=True)

    def run(name: str) -> int:
        found = exploded(name, WHOLE)
        print(_line(name, found), flush=True)
        return found.ended_as != BOMBS[name].ends_as

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return max(pool.map(run, names))


def _line(name: str, found: Explosion) -> str:
    wanted = BOMBS[name].ends_as
    line = (
        f"{name:42} {found.ended_as:22} {found.handed_on_bytes / _MB:6.1f} MB {found.steps:10,} "
        f"{found.peak_bytes / _MB:9.0f} MB {found.cpu_s:6.2f} s"
    )
    return line if found.ended_as == wanted else f"{line}\n{name}: BROKEN: expected {wanted}, found {found.ended_as}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
