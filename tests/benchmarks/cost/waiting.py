"""How many write units a job takes that waits for its turn at a busy provider, alone and among others."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.benchmarks.cost.shapes import METADATA, rig
from tests.integration.song import request

TOGETHER: Final = (1, 10, 30)
"""Orders that come at once, to a provider that takes two at a time."""
_BUSY: Final = ("--param", "MinimaxConcurrency=2", "--provider-latency", "3")


def write_units(scratch: Path) -> Mapping[int, float]:
    """The write units of each job, of so many together; how often each is told to wait is up to the machine's load."""
    found = {}
    with rig(scratch, *_BUSY) as running:
        for number in TOGETHER:
            running.meter.reading()
            for each in range(number):
                running.cloud.submit(request(f"{each} of {number} that wait", metadata=METADATA))
            running.jobs += number
            running.until_quiet()
            calls = running.meter.reading().of("MeasureTracksFunction", alone=False).calls
            units = sum(call.get("write_units", 0) + call.get("index_units", 0) for call in calls)
            found[number] = units / number
    return found
