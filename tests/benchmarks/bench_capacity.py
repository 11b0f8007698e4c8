"""What binds first when many jobs come: quotas of a new AWS account, items that jobs share, and providers' limits.

By division, from the counts of one job that `make cost` keeps; and by a simulation of 100,000 jobs an hour and of 1,000
jobs a second, of 100 tenants, as seeded arrivals. It holds the simulation against the division: below the bound jobs
may not wait longer and longer, and above it they must. Seconds of runs are assumed (`SHORT_S`), all counts are exact.
"""

import sys
from collections.abc import Mapping
from random import Random
from typing import Final

from fermata.domain.catalogue.models import read_catalogue
from tests.benchmarks.capacity.needs import Needs, Run, needs_of, quotas
from tests.benchmarks.capacity.simulation import Bound, Outcome, bounds, simulate, writes_an_item_takes
from tests.benchmarks.cost.counts import Counts, kept
from tests.benchmarks.cost.shapes import POLLED, POLLED_S, SHAPES, Shape, polling_of
from tests.benchmarks.sizes import sized

SEED: Final = 4711
SHORT_S: Final = 0.15
"""How long a run takes that waits for nobody, on Lambda."""
_PATH: Final = ("SubmitJob", "StartGeneration", "AwaitCallback", "ReceiveCallback", "PollGeneration", "StoreAudio")
HOUR_S: Final = sized(3600, 60)
SECOND_S: Final = sized(100, 3)
AN_HOUR: Final = 100_000 / 3600
A_SECOND: Final = 1000.0
TENANTS: Final = 100
SIMULATED: Final = ("hex in the answer", "polled", "called back")
"""The shapes; the others take what one of these takes."""
ROOM: Final = 1.2
"""By how much more than needed a quota is raised for a run without bounds of AWS."""


def runs_of(shape: Shape, counts: Counts, provider_s: float) -> tuple[Run, ...]:
    """The runs of one job in their order, with the provider's time within or between them."""
    times: Mapping[str, int] = counts["invocations"]
    ordered = [*(name for name in _PATH if name in times), *(name for name in times if name not in _PATH)]
    waiting = next((name for name in ("ReceiveCallback", "PollGeneration") if name in times), "StartGeneration")
    in_runs_s = provider_s if shape.blocking else _pauses_s(shape)
    within_s, between_s = in_runs_s / times[waiting], (provider_s - in_runs_s) / times[waiting]
    return tuple(
        Run(name, SHORT_S + within_s, between_s) if name == waiting else Run(name, SHORT_S)
        for name in ordered
        for _ in range(times[name])
    )


def _pauses_s(shape: Shape) -> float:
    """The seconds that the runs that poll pause together."""
    return polling_of(POLLED, POLLED_S).pauses_s if shape.fields["model"] == POLLED else 0


def main() -> int:
    """Print the tables; 1 where the simulation contradicts the division."""
    item_writes = writes_an_item_takes(quotas()["assumed"]["transaction_held_s"], Random(SEED))
    print(f"one item takes {item_writes:.0f} transactions a second of many jobs before one in a thousand gives up")
    print("(seen from outside before, at three writes a job of one tenant's wallet: 30 to 40 jobs a second)\n")
    counts, wrong = kept(), False
    for shape in (each for each in SHAPES if each.name in SIMULATED):
        provider_s = shape.waits_s[-1]
        needs = needs_of(shape.name, counts[shape.name], runs_of(shape, counts[shape.name], provider_s))
        found = bounds(needs, item_writes)
        _print_bounds(f"{shape.name}, {provider_s} s", found)
        wrong = _contradicts(needs, found[0]) or wrong
        many = needs.among(TENANTS)
        raised = {bound.limit: max(1.0, ROOM * A_SECOND / bound.per_second) for bound in found if not bound.is_ours}
        _print_outcome("100,000 an hour, a new account", simulate(many, AN_HOUR, HOUR_S, Random(SEED)))
        outcome = simulate(many, AN_HOUR, HOUR_S, Random(SEED), raised)
        _print_outcome("100,000 an hour, AWS's quotas raised as needed for 1,000 a second", outcome)
        outcome = simulate(many, A_SECOND, SECOND_S, Random(SEED), raised)
        _print_outcome("1,000 a second, the same", outcome)
        print()
    _print_providers()
    return int(wrong)


def _print_bounds(title: str, found: list[Bound]) -> None:
    print(f"{title}: binds at jobs a second")
    for bound in found:
        print(
            f"  {bound.per_second:9.1f}  {'ours' if bound.is_ours else 'AWS ':4}  {bound.limit} ({bound.a_job:g} a job)"
        )


def _print_outcome(title: str, outcome: Outcome) -> None:
    worst = max(outcome.by_limit_s, key=outcome.by_limit_s.__getitem__, default="nothing")
    waited = f"{outcome.waited(0.5):.2f} s (median), {outcome.waited(0.99):.2f} s (P99)" if outcome.ended else "all"
    print(
        f"  {title}: {outcome.began} began, {outcome.ended} ended in twice the time, {outcome.gave_up} gave up; waited "
        f"{waited}, most of it for {worst}"
    )


def _contradicts(needs: Needs, first: Bound) -> bool:
    """Whether the simulation at half the bound waits, or at twice the bound does not."""
    calm, crowded = (simulate(needs, rate * first.per_second, sized(300, 60), Random(SEED)) for rate in (0.5, 2.0))
    wrong = calm.waited(0.99) >= 1 or (crowded.waited(0.99) < 1 and not crowded.gave_up)
    if wrong:
        print(f"{needs.shape}: the simulation does not bear out that {first.limit} binds first", file=sys.stderr)
    return wrong


def _print_providers() -> None:
    print("providers, by the catalogue's limits, each until it is told otherwise: jobs a second")
    catalogue = read_catalogue()
    for provider in catalogue.provider_ids():
        settings = catalogue.settings_of(provider)
        for seconds in (30, 70):
            print(f"  {min(settings.rpm / 60, settings.concurrency / seconds):5.2f}  {provider}, songs of {seconds} s")


if __name__ == "__main__":
    sys.exit(main())
