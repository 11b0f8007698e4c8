"""`make soak`: what takes too long for every push. Exits 1 where a promise was broken.

`SMOKE=1` runs a little of every part. A part is a module with `soak(smoke=..., seed=..., until=...)`; the same seed
(`SEED=...`) makes the same choices.
"""

import os
import random
import sys
import time
from types import ModuleType
from typing import Final

from tests.soak import batch_of_lines, bill_against_ledger, free_steps, interleavings, killed

PARTS: Final[dict[ModuleType, int]] = {
    bill_against_ledger: 12 * 60,
    free_steps: 6 * 60,
    interleavings: 60,
    killed: 8 * 60,
    batch_of_lines: 8 * 60,
}
"""Each with the seconds after which it begins nothing new. It ends what it has begun; minutes are left for that."""


def main() -> int:
    """Run every part and print what it finds."""
    smoke = bool(os.environ.get("SMOKE"))
    seed = int(os.environ.get("SEED") or random.randrange(1_000_000))
    broken = 0
    for part, limit_s in PARTS.items():
        name, begun = part.__name__.rpartition(".")[2], time.monotonic()
        print(f"{name}: seed {seed}", flush=True)
        for found in part.soak(smoke=smoke, seed=seed, until=begun + limit_s):
            print(f"{name}: {found.line}", flush=True)
            for promise in found.broken:
                broken += 1
                print(f"{name}: BROKEN: {promise}", flush=True)
        print(f"{name}: {time.monotonic() - begun:.0f} s", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
