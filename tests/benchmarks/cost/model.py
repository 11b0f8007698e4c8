"""What a job costs in a thousand: the counts as they are, and memory by time, logs and files as they are computed.

A laptop's seconds are not Lambda's. A function is taken to last as long as its processor time, measured here and
stretched by the share of a vCPU that its memory buys, the calls to AWS that it makes, one after the other, at the times
in `prices.json`, and its provider, at the nominal time.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.benchmarks.cost.counts import Counts, use_of_counts
from tests.benchmarks.cost.prices import ASSUMED, USD

A_THOUSAND: Final = 1_000
COUNTED: Final = ("transitions", "write units", "read units", "requests", "invocations", "S3 writes", "S3 reads")
SMALL: Final = ("events", "secrets")
COMPUTED: Final = ("GB-s", "GB logged")


@dataclass(frozen=True)
class Work:
    """What is done for one job. `cpu_s` is the processor time of each function, for all its invocations, on a whole
    vCPU; `waits_s` how long each waits for others than AWS; `song_copies` how many times the bytes of a song are kept.
    """

    counts: Counts
    cpu_s: Mapping[str, float]
    memory_mb: Mapping[str, int]
    waits_s: Mapping[str, float] = field(default_factory=dict)
    logged_bytes: float = 0
    song_copies: float = 0

    def amounts(self) -> dict[str, float]:
        """How much of each priced thing, files apart."""
        counted = use_of_counts(self.counts)
        amounts = {name: counted.amount(name) for name in (*COUNTED, *SMALL)}
        logged = self.logged_bytes + ASSUMED["invocation_log_bytes"] * amounts["invocations"]
        logged += ASSUMED["request_log_bytes"] * amounts["requests"]
        return {**amounts, "GB-s": sum(map(self._gb_s, self.counts["invocations"])), "GB logged": logged / 1e9}

    def usd(self) -> dict[str, float]:
        """USD for a thousand of them, by priced thing."""
        return {name: A_THOUSAND * amount * USD[name] for name, amount in self.amounts().items()}

    def kept_usd(self) -> float:
        """USD for the files of a thousand, for as long as they are kept."""
        gigabytes = A_THOUSAND * self.song_copies * ASSUMED["song_bytes"] / 1e9
        return float(gigabytes * ASSUMED["kept_months"] * USD["GB-months"])

    def _gb_s(self, function: str) -> float:
        memory = self.memory_mb[function]
        stretched_s = self.cpu_s.get(function, 0.0) * max(1.0, ASSUMED["vcpu_mb"] / memory)
        calls = self.counts["calls"].get(function, {})
        return float((stretched_s + seconds_of(calls) + self.waits_s.get(function, 0.0)) * memory / 1024)


def seconds_of(calls: Mapping[str, int]) -> float:
    """How long these calls to AWS take one after the other."""
    times = ASSUMED["call_s"]
    return float(sum(number * times.get(call, times.get(call.partition(":")[0], 0)) for call, number in calls.items()))


def together(one: Work, other: Work) -> Work:
    """Both: a job and a read of it."""
    return Work(
        _sum(one.counts, other.counts),
        {**one.cpu_s, **other.cpu_s},
        {**one.memory_mb, **other.memory_mb},
        {**one.waits_s, **other.waits_s},
        one.logged_bytes + other.logged_bytes,
        one.song_copies + other.song_copies,
    )


def _sum(one: Counts, other: Counts) -> Counts:
    """Add counts in all their parts; both may name the same item, but calls are of different functions."""
    added = dict(one)
    for name, mine in other.items():
        before = one[name]
        if not isinstance(mine, Mapping):
            added[name] = before + mine
        elif name == "calls":
            added[name] = {**before, **mine}
        else:
            added[name] = dict(Counter(before) + Counter(mine))
    return added
