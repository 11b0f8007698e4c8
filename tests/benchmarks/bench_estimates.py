"""What the estimates of songs cost and save: polls for each song, and how long a finished song lies there.

Run with `python -m tests.benchmarks.bench_estimates`. Prints a table of simulated providers, the rule before beside the
shipped one; asserts nothing. The simulation has no clock, so its figures are the same on every machine; the last line
alone depends on this one.
"""

import time

from fermata.domain.catalogue.models import Estimate
from fermata.domain.jobs.latency import SONGS_KEPT, SongTime, SongTimes
from tests.benchmarks.sizes import sized
from tests.simulated_songs import SCENARIOS, Figures, figures, runs, shipped_rule, single_rule

SEEDS = sized(60, 2)


def main() -> None:
    """Print the figures."""
    heads = f"{'runs a song':>16}{'polls a song':>16}{'added wait, median':>20}{'added wait, P95':>18}"
    print(f"{'provider':<34}{heads}")
    for name, scenario in SCENARIOS.items():
        before, now = (figures(runs(scenario, rule, SEEDS)) for rule in (single_rule, shipped_rule))
        print(f"{name:<34}{line(before, now)}")
    print(f"one estimate of {SONGS_KEPT} songs, each known to a poll: {one_estimate_ms():.2f} ms")


def line(before: Figures, now: Figures) -> str:
    """One row of the table: one poll a run, the shipped rule; waits as shares of what the song took."""
    loops = f"{before.runs:.1f} -> {now.runs:.1f}"
    polls = f"{before.polls:.1f} -> {now.polls:.1f}"
    median = f"{before.added_p50:.0%} -> {now.added_p50:.0%}"
    p95 = f"{before.added_p95:.0%} -> {now.added_p95:.0%}"
    return f"{loops:>16}{polls:>16}{median:>20}{p95:>18}"


def one_estimate_ms() -> float:
    """Milliseconds for one estimate of a model whose record is full."""
    songs = tuple(SongTime(f"job_{number}", 60 + number, 50 + number // 2) for number in range(SONGS_KEPT))
    times, prior = SongTimes(models={"m": songs}), Estimate(p50_s=70, p80_s=120)
    began = time.perf_counter()
    rounds = sized(1000, 10)
    for _ in range(rounds):
        times.estimate("m", prior)
    return (time.perf_counter() - began) * 1000 / rounds


if __name__ == "__main__":
    main()
