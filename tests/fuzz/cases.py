"""Reads changed inputs in a process with little memory, and counts the work that each of them takes.

`python -m tests.fuzz.cases TARGET SEED FIRST CASES SECONDS`
"""

import json
import random
import resource
import signal
import sys
import time
import traceback
from dataclasses import asdict, dataclass
from typing import Final

from tests.fuzz.explode import ADDRESS_SPACE_BYTES
from tests.fuzz.mutations import mutated
from tests.fuzz.targets import TARGETS, Target
from tests.support.peak_memory import peak_bytes

FREE_CALLS: Final = 5_000
"""Calls that a case may make whatever its length: opening files, making scanners."""
HANGS_AFTER_S: Final = 60
"""Thousands of times what a case takes: what neither calls nor ends, as a search that went astray."""


@dataclass(frozen=True)
class Fuzzed:
    """What a run of cases found: how many were read, the one that took the most work for its length with its calls and
    bytes, the most memory that the process held, and what was broken by which case.
    """

    cases: int
    slowest_case: int
    slowest_calls: int
    slowest_bytes: int
    peak_bytes: int
    broken_case: int | None = None
    broken: str | None = None


def fuzz(name: str, seed: int, first: int, cases: int, seconds: float) -> Fuzzed:
    """Read cases of a target from the number `first` on, at most so many and for so many seconds, to the first that
    breaks a promise. A case is the same wherever it is read: its choices follow from target, seed and number.
    """
    target, until = TARGETS[name], time.monotonic() + seconds
    slowest, done = (0.0, 0, 0, 0), 0
    # A process builds its models when it first needs them, once, whatever it reads then.
    for content in target.seeds():
        target.read(content, random.Random(name))
    for case in range(first, first + cases):
        if done and time.monotonic() >= until:
            break
        try:
            calls, octets = read_case(target, f"{name}/{seed}/{case}")
        except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
            return Fuzzed(done, *slowest[1:], peak_bytes(), case, traceback.format_exc(limit=-4))
        done += 1
        slowest = max(slowest, (calls / (octets + 1000), case, calls, octets))
        if calls > FREE_CALLS + target.calls_per_byte * octets:
            told = f"{calls} calls for {octets} bytes; expected at most {FREE_CALLS} and {target.calls_per_byte} a byte"
            return Fuzzed(done, *slowest[1:], peak_bytes(), case, told)
    return Fuzzed(done, *slowest[1:], peak_bytes())


def read_case(target: Target, name: str) -> tuple[int, int]:
    """How many calls of functions one case made, and how many bytes went in and came out; raises as its reading does.
    Calls are the same on every machine, as seconds are not.
    """
    choices = random.Random(name)
    content = mutated(target.seeds(), choices)
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    signal.alarm(HANGS_AFTER_S)
    sys.setprofile(count)
    try:
        octets = target.read(content, choices)
    finally:
        sys.setprofile(None)
        signal.alarm(0)
    return calls, octets


def _hangs(_number: int, _frame: object) -> None:
    raise AssertionError(f"hangs for {HANGS_AFTER_S} s")


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, _hangs)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    name, seed, first, cases, seconds = sys.argv[1:]
    print(json.dumps(asdict(fuzz(name, int(seed), int(first), int(cases), float(seconds)))))
