"""Print what a job of each shape costs in AWS, beside a naive design. Run with `make cost`; Linux.

Exits with 1 where a count differs from `counts.json`; `--write` writes that file and the tables of `docs/cost.md`.
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.benchmarks.cost.counts import Counts, keep, kept, less, near_a_boundary
from tests.benchmarks.cost.measured import measure
from tests.benchmarks.cost.prices import ASSUMED, DATE, REGION
from tests.benchmarks.cost.shapes import HELD, HEX, SHAPES, rig
from tests.benchmarks.cost.table import tables
from tests.benchmarks.cost.waiting import write_units

_PAGE: Final = Path(__file__).parents[3] / "docs" / "cost.md"
_TABLES: Final = re.compile(r"(<!-- cost -->\n).*(<!-- /cost -->)", re.DOTALL)


def main() -> int:
    """Measure, print, and compare or write."""
    parser = argparse.ArgumentParser(prog="make cost", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--write", action="store_true", help="write counts.json and docs/cost.md anew")
    arguments = parser.parse_args()
    with TemporaryDirectory() as scratch:
        with rig(Path(scratch) / "shapes") as running:
            measured = {shape.name: measure(running, shape) for shape in SHAPES}
        with rig(Path(scratch) / "unmarked", "--param", "Marking=off") as running:
            unmarked = measure(running, measured[HEX].shape)
        waiting = write_units(Path(scratch) / "waiting")
    text = f"{_conditions()}\n\n{tables(measured, unmarked, waiting)}\n"
    print(text)
    for line in sorted({line for each in measured.values() for line in near_a_boundary(each.ran.job)}):
        print(f"nearly a unit more: {line}")
    held = (one for one in measured.values() if one.shape in HELD)
    found = {name: each for one in held for name, each in one.ran.counts(one.shape).items()}
    if arguments.write:
        keep(found)
        page = _TABLES.sub(lambda at: f"{at[1]}\n{text}\n{at[2]}", _PAGE.read_text("utf-8"))
        _PAGE.write_text(page, encoding="utf-8")
        return 0
    return _compared(found)


def _conditions() -> str:
    return (
        f"Prices of {REGION} on {DATE}, arm64. Computed and not measured: a function takes its processor time, where "
        f"{ASSUMED['vcpu_mb']:,} MB have a vCPU, its calls to AWS at `call_s` each, and its provider's; a song has "
        f"{ASSUMED['song_bytes'] / 1e6:g} MB."
    )


def _compared(found: Mapping[str, Counts]) -> int:
    before = kept()
    differing = {name: more for name, each in found.items() if (more := less(each, before.get(name, {})))}
    for name, more in differing.items():
        print(f"{name}: other than counts.json by {json.dumps(more)}", file=sys.stderr)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
