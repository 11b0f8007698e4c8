"""`make mutants`: the mutants whose names have all of the words of `ARGS`, and without any word also what only a store
guards (`tooling.conditions`), which needs no table and which `ARGS='conditions WORD'` runs alone.

Exit status 1 where a mutant survives, or where its text is not in its file exactly once: then the code has moved on and
the table has to follow.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tooling.mutants.runner import ROOT, WORKERS, Copies, fate_of, run_tests
from tooling.mutants.table import MUTANTS


def main() -> int:
    """Prints one line per mutant; 1 where one was not killed."""
    words = sys.argv[1:]
    if words[:1] == ["conditions"]:
        return _without_conditions(words[1:])
    of_table = _of_table(words)
    return of_table or (0 if words else _without_conditions(()))


def _without_conditions(words: Sequence[str]) -> int:
    return subprocess.run([sys.executable, "-m", "tooling.conditions", *words], cwd=ROOT, check=False).returncode


def _of_table(words: Sequence[str]) -> int:
    began, killed = time.monotonic(), 0
    chosen = [mutant for mutant in MUTANTS if all(word in mutant.name for word in words)]
    tests = sorted({test for mutant in chosen for test in mutant.tests})
    with TemporaryDirectory() as scratch, ThreadPoolExecutor(WORKERS) as workers:
        copies = Copies(Path(scratch))
        shares = [tests[number::WORKERS] for number in range(WORKERS)]
        unbroken = workers.map(lambda share: copies.use(partial(run_tests, share)), filter(None, shares))
        for (status, printed), _ in unbroken:
            if status != 0:
                print(printed, "the tests fail, or cannot run, without any mutant", sep="\n")
                return 1
        print(f"{time.monotonic() - began:5.1f} s  all tests pass without a mutant", flush=True)
        fates = workers.map(lambda mutant: copies.use(partial(fate_of, mutant)), chosen)
        for mutant, (fate, took_s) in zip(chosen, fates, strict=True):
            killed += fate == "killed"
            print(f"{took_s:5.1f} s  {fate:8}  {mutant.name}", flush=True)
    print(f"{killed} of {len(chosen)} killed in {time.monotonic() - began:.0f} s")
    return 0 if chosen and killed == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
