"""How much processor time the functions of a running cloud take, by the kernel's own clock of each process."""

import time
from collections import Counter
from collections.abc import Mapping

from tests.integration.song import Cloud, working_folder

_ALL_OF_A_PROCESS = 2


def processor_time(cloud: Cloud) -> Mapping[tuple[str, int], float]:
    """Seconds so far of each process of a function, by the function's name (`SubmitJob`) and its id. Linux alone has
    such clocks.
    """
    found = {}
    for pid in cloud._processes():  # noqa: SLF001 (the tests' own)
        function = "".join(map(str.capitalize, working_folder(pid).split("_")))
        try:
            # The C library's clock_getcpuclockid() makes this number; Python has no other way to another process.
            found[function, pid] = time.clock_gettime((~pid << 3) | _ALL_OF_A_PROCESS)
        except OSError:
            continue
    return found


def taken_since(before: Mapping[tuple[str, int], float], cloud: Cloud) -> Counter[str]:
    """Nanoseconds by function since a reading; of processes that were there, since a start is not a job's own."""
    taken = Counter[str]()
    for (function, pid), seconds in processor_time(cloud).items():
        if (function, pid) in before:
            taken[function] += round((seconds - before[function, pid]) * 1e9)
    return taken
