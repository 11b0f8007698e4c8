"""The curve that the schedule of polls was taken from: what an earlier or later first poll costs and saves.

Run with `python -m tests.benchmarks.bench_poll_plan`. Prints, for simulated providers and first polls at several shares
of the median, the loops through the state machine and the polls of a song, the added wait, and the price of a thousand
songs' waiting; asserts nothing. The simulation has no clock, so its figures are the same on every machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fermata.domain.catalogue.models import Estimate
from fermata.domain.catalogue.poll_schedule import FIRST_LOOK, Pace, bounded
from fermata.domain.jobs.latency import SongTime
from tests.benchmarks.sizes import sized
from tests.simulated_songs import SCENARIOS, Figures, Rule, figures, runs, shipped_rule, single_rule

SEEDS: Final = sized(60, 2)
SHARES: Final = (0.4, 0.5, 0.6, 0.65, FIRST_LOOK, 0.75, 0.8)

STATES_BESIDE_POLLS: Final = 3
"""Of a polled song: StartGeneration, DecideNext, StoreAudio."""
STATES_OF_A_LOOP: Final = 3
"""WaitForProvider, PollGeneration, DecideNext."""
USD_A_TRANSITION: Final = 25 / 1_000_000
"""Step Functions, standard workflows, us-east-1."""
USD_A_REQUEST: Final = 0.20 / 1_000_000
USD_A_GB_SECOND: Final = 0.0000133334
"""Lambda, arm64, us-east-1."""
MEMORY_MB: Final = 128
MEMORY_MB_BEFORE: Final = 512
STATES_BESIDE_POLLS_BEFORE: Final = 6
"""With `CheckStorage`, `SettleJob` and `Done` at the end."""


@dataclass(frozen=True)
class _FirstAt(Pace):
    """The shipped schedule with its first poll at another share of the median."""

    share: float = FIRST_LOOK

    def first_poll_s(self, elapsed_s: float) -> int:
        left_s = self.estimate.p50_s * self.share - elapsed_s
        return bounded(left_s) if left_s > 0 else self.next_poll_s(elapsed_s)


def main() -> None:
    """Print the curve of each provider."""
    for name, scenario in SCENARIOS.items():
        print(f"{name:<34}{'loops':>6}{'polls':>7}{'added wait, median':>20}{'P95':>6}{'USD per 1,000':>15}")
        before = figures(runs(scenario, single_rule, SEEDS))
        print(_line("before", before, MEMORY_MB_BEFORE, STATES_BESIDE_POLLS_BEFORE))
        for share in SHARES:
            print(_line(f"first poll at {share:.0%} of P50", figures(runs(scenario, _first_at(share), SEEDS))))


def _first_at(share: float) -> Rule:
    def rule(songs: Sequence[SongTime], prior: Estimate) -> Pace:
        pace = shipped_rule(songs, prior)
        return _FirstAt(pace.estimate, pace.longest_pause_s, pace.longest_s, share)

    return rule


def usd_of_waiting(found: Figures, memory_mb: int = MEMORY_MB, states: int = STATES_BESIDE_POLLS) -> float:
    """US dollars of a thousand songs' transitions and runs of PollGeneration."""
    transitions = (states + STATES_OF_A_LOOP * found.runs) * USD_A_TRANSITION
    return 1000 * (transitions + found.runs * USD_A_REQUEST + found.ran_s * memory_mb / 1024 * USD_A_GB_SECOND)


def _line(rule: str, found: Figures, memory_mb: int = MEMORY_MB, states: int = STATES_BESIDE_POLLS) -> str:
    usd = usd_of_waiting(found, memory_mb, states)
    added = f"{found.added_p50:>20.0%}{found.added_p95:>6.0%}"
    return f"    {rule:<30}{found.runs:>6.2f}{found.polls:>7.1f}{added}{usd:>15.3f}"


if __name__ == "__main__":
    main()
