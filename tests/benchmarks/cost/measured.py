"""A shape's counts with what goes beside them: processor time, log bytes and files, of jobs in a warm cloud."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.cost.counts import Counts, counts_of
from tests.benchmarks.cost.meter import Reading
from tests.benchmarks.cost.model import Work
from tests.benchmarks.cost.prices import ASSUMED
from tests.benchmarks.cost.processor_time import processor_time, taken_since
from tests.benchmarks.cost.shapes import POLLED, POLLED_S, Ran, Rig, Shape, polling_of

TIMES: Final = 3
"""How many jobs of a shape the processor time is the mean of, after one that is not measured."""
_FETCHED: Final = "StoreAudio"
_POLLS: Final = "PollGeneration"


@dataclass(frozen=True)
class Measured:
    """One shape; `cpu_s` is the mean of a job, by function."""

    shape: Shape
    ran: Ran
    cpu_s: Mapping[str, float]
    memory_mb: Mapping[str, int]

    def job(self, wait_s: float) -> Work:
        """The order until its end, where the provider takes so many nominal seconds."""
        counts = counts_of(self.ran.job)
        copies = sum(call["bytes"] for call in self.ran.job.calls if call["action"] == "s3:PutObject")
        return self._work(self.ran.job, counts, self._waits(counts, wait_s), copies / self.ran.track_bytes)

    def peaks(self) -> Work:
        """What measuring the tracks adds."""
        return self._work(self.ran.peaks, counts_of(self.ran.peaks))

    def read(self) -> Work:
        """One read of the job."""
        return self._work(self.ran.read, counts_of(self.ran.read))

    def _work(
        self, reading: Reading, counts: Counts, waits_s: Mapping[str, float] | None = None, copies: float = 0
    ) -> Work:
        logged = reading.logged_bytes.total() + ASSUMED["line_bytes"] * reading.logged_lines.total()
        return Work(counts, self.cpu_s, self.memory_mb, waits_s or {}, logged, copies)

    def _waits(self, counts: Counts, wait_s: float) -> dict[str, float]:
        """Seconds that each function waits for others than AWS, over all its invocations."""
        waits = {name: each * counts["invocations"].get(name, 0) for name, each in ASSUMED["provider_s"].items()}
        if self.shape.blocking:
            waits["StartGeneration"] = wait_s
        elif self.shape.fields["model"] == POLLED:
            polling = polling_of(POLLED, POLLED_S)
            waits[_POLLS] = polling.polls * ASSUMED["provider_s"][_POLLS] + polling.pauses_s
        if "s3:GetObject" in counts["calls"][_FETCHED]:
            # The song is staged, so that nobody is asked for it.
            waits[_FETCHED] = 0
        return waits


def measure(running: Rig, shape: Shape) -> Measured:
    """Run jobs of a shape, and one before them."""
    ran = running.run(shape)
    taken = Counter[str]()
    for _ in range(TIMES):
        before = processor_time(running.cloud)
        ran = running.run(shape)
        taken += taken_since(before, running.cloud)
    cpu_s = {function: nanoseconds / 1e9 / TIMES for function, nanoseconds in taken.items()}
    memory_mb = {name.removesuffix("Function"): each for name, each in running.meter.memory().items()}
    return Measured(shape, ran, cpu_s, memory_mb)
