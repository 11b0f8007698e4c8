"""`make soak`: what takes too long for every push. Exits 1 where a promise was broken.

`python -m tests.soak [PART ...]` runs these parts, or all. `SMOKE=1` runs a little of each. A part is a module with
`soak(smoke=..., seed=..., until=...)`; the same seed (`SEED=...`) makes the same choices.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Final

from tests.soak import batch_of_lines, bill_against_ledger, crashes, free_steps, hostile, interleavings, killed

PARTS: Final[dict[ModuleType, int]] = {
    bill_against_ledger: 12 * 60,
    free_steps: 10 * 60,
    interleavings: 60,
    crashes: 5 * 60,
    killed: 8 * 60,
    batch_of_lines: 8 * 60,
    hostile: 4 * 60,
}
"""Each with the seconds after which it begins nothing new. It ends what it has begun; minutes are left for that."""


_AT_ONCE: Final = 3


def main(names: Sequence[str]) -> int:
    """Run the parts of these names, all without any, and print what they find."""
    parts = {part.__name__.rpartition(".")[2]: (part, limit_s) for part, limit_s in PARTS.items()}
    unknown = sorted(set(names) - set(parts))
    if unknown:
        print(f"expected parts of {', '.join(parts)}; found {', '.join(unknown)}", file=sys.stderr)
        return 2
    smoke = bool(os.environ.get("SMOKE"))
    if smoke and not names:
        return _run_beside_each_other(list(parts))
    seed = int(os.environ.get("SEED") or random.randrange(1_000_000))
    return max(_run(name, *parts[name], seed=seed, smoke=smoke) for name in names or parts)


def _run_beside_each_other(names: Sequence[str]) -> int:
    """Each part in a process of its own, because a smoke test measures nothing."""

    def run(name: str) -> int:
        command = [sys.executable, "-m", "tests.soak", name]
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        print(ended.stdout, end="", flush=True)
        return ended.returncode

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return max(pool.map(run, names))


def _run(name: str, part: ModuleType, limit_s: int, *, seed: int, smoke: bool) -> int:
    """Run one part; 1 where a promise was broken."""
    begun, broken = time.monotonic(), 0
    print(f"{name}: seed {seed}", flush=True)
    for found in part.soak(smoke=smoke, seed=seed, until=begun + limit_s):
        print(f"{name}: {found.line}", flush=True)
        for promise in found.broken:
            broken += 1
            print(f"{name}: BROKEN: {promise}", flush=True)
    print(f"{name}: {time.monotonic() - begun:.0f} s", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
