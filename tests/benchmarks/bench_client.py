"""What `import fermata_client` costs beside `import httpx`, which it needs, and the command line beside both.

Run with `make bench`. Each import is that of a fresh interpreter, in turn. Prints ratios of one run; asserts nothing.
"""

import statistics
import subprocess
import sys
from collections.abc import Sequence

from tests.benchmarks.sizes import sized

RUNS = sized(15, 2)
MODULES = ("httpx", "httpx, pydantic", "fermata_client", "fermata_client.cli.app")
TIMED = "import time; begun = time.perf_counter(); import {}; print(time.perf_counter() - begun)"


def seconds(modules: str) -> float:
    """How long a fresh interpreter takes to import modules."""
    command = [sys.executable, "-c", TIMED.format(modules)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def medians(modules: Sequence[str]) -> dict[str, float]:
    """The median of each, measured in turn so that other work disturbs all alike."""
    for each in modules:
        seconds(each)
    runs = [[seconds(each) for each in modules] for _ in range(RUNS)]
    return {each: statistics.median(run[place] for run in runs) for place, each in enumerate(modules)}


def main() -> None:
    """Print each import, and its ratio to that of httpx."""
    found = medians(MODULES)
    for modules, took in found.items():
        print(f"import {modules}: {took * 1000:.0f} ms, {took / found['httpx']:.2f} times import httpx")


if __name__ == "__main__":
    main()
